// twin.c: one test of a possibly broken allocator, in a process of its own, because a broken heap
// may as well crash.   twin OBJECT.so sweep      |  twin OBJECT.so race SECONDS GAP
// Exit: 0 sound, 1 a violation was seen, 2 the test could not run.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sweep.h"

static long sweep_hits(const struct nolock_ops *ops) {
  struct sweep s = {.ops = ops, .size = 64};
  void *objects[60];
  int n = 0;
  while (n < 40) objects[n++] = sweep_allocate(&s);
  for (int i = 0; i < 20 && !s.violations; i++) {
    void *object = sweep_run(&s, SWEEP_KMALLOC, 0);
    if (!object) return 1;  // there is memory: the line was torn
    sweep_run(&s, SWEEP_KFREE, objects[i]);
    objects[n++] = object;
  }
  printf("%ld handler runs, ", s.handler_runs);
  return s.handler_allocated ? s.violations : -1;
}

// Until a violation, at most `seconds`: what a race needs is that both threads run at once, and how
// many rounds that takes depends on who else uses the CPUs.
static long race(const struct nolock_ops *ops, int seconds, unsigned gap) {
  ops->kfree(ops->kmalloc(64, 0, NOLOCK_NO_NODE));
  if (ops->control("worker", 0)) return -1;
  long operations = 0, violations = 0, all = 0;
  // 8192 bytes: sheaves of four, so every other call is slow.
  for (time_t end = time(0) + seconds; time(0) <= end && !violations; all += operations)
    violations = sweep_race(ops, 8192, 10000, gap, &operations);
  printf("%ld operations of the owner, ", all);
  return all ? violations : -1;
}

int main(int count, char **arguments) {
  void *object = count > 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : 0;
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  const struct nolock_ops *ops = subject ? subject(NOLOCK_ABI) : 0;
  if (!ops) return puts("usage: twin OBJECT.so sweep | race SECONDS GAP"), 2;
  long violations = strcmp(arguments[2], "sweep") == 0 ? sweep_hits(ops)
                    : count == 5 ? race(ops, atoi(arguments[3]), (unsigned)atoi(arguments[4])) : -1;
  printf("%ld violations\n", violations);
  return violations < 0 ? 2 : violations > 0;
}
