// lockdep.c: one nesting of locks, legal or not, under an allocator built with lockdep and probes.
//   lockdep OBJECT.so CASE
// Prints the number of reports and the first one.  Exit: 0, or 2 if the case could not run.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../../Sources/CNolock/include/nolock.h"

enum { PROBE_LINE_ALLOC = 0, PROBE_LIST_LOCK = 2 };
static const struct nolock_ops *ops;
static const struct nolock_lockdep *lockdep;

static const struct nolock_lock_class raw_class = {"some_raw_lock", 2, 2, 0},
                                      spin_class = {"some_spinlock", 3, 3, 0},
                                      mutex_class = {"some_mutex", 4, 4, 0},
                                      override_class = {"some_map", 2, 3, 1};
static int raw, spin, mutex, map, second;

static void *allocate(size_t size) { return ops->kmalloc(size, 0, NOLOCK_NO_NODE); }
static void *allocate_nolock(size_t size) { return ops->kmalloc_nolock(size, 0, NOLOCK_NO_NODE); }
static void take(void *lock, const struct nolock_lock_class *class) {
  lockdep->acquire(lock, class, 0);
}

static void raw_then_kmalloc(void) {
  take(&raw, &raw_class);
  ops->kfree(allocate(64));
  lockdep->release(&raw);
}
static void *kept;
static void raw_then_hit(void) {
  for (int i = 0; i < 3; i++) ops->kfree(allocate(64));  // now a sheaf has one
  take(&raw, &raw_class);
  kept = allocate(64);
  lockdep->release(&raw);
}
static void raw_then_kfree(void) {
  kept = allocate(64);
  take(&raw, &raw_class);
  ops->kfree(kept);
  lockdep->release(&raw);
}
// Seed 004: whole pages, under the lock of the caller of kfree_rcu().
static void raw_then_pages(void) {
  take(&raw, &raw_class);
  ops->kfree(allocate(4096 * 4));
  lockdep->release(&raw);
}
static void raw_then_nolock(void) {
  void *objects[200];
  take(&raw, &raw_class);
  // So many that sheaves, slabs and pages all come by.
  for (int i = 0; i < 200; i++)
    if (!(objects[i] = allocate_nolock(1024))) exit(2);
  for (int i = 0; i < 200; i++) ops->kfree_nolock(objects[i]);
  lockdep->release(&raw);
}
static void mutex_spin_kmalloc_raw(void) {
  take(&mutex, &mutex_class);
  take(&spin, &spin_class);
  ops->kfree(allocate(64));
  take(&raw, &raw_class);
  lockdep->release(&mutex);  // not in order
  lockdep->release(&raw);
  ops->kfree(allocate(64));
  lockdep->release(&spin);
  ops->kfree(allocate(64));
}
static void spin_then_mutex(void) {
  take(&spin, &spin_class);
  take(&mutex, &mutex_class);
  lockdep->release(&mutex);
  lockdep->release(&spin);
}
static void trylock_is_exempt(void) {
  take(&raw, &raw_class);
  lockdep->acquire(&spin, &spin_class, 1);
  lockdep->release(&spin);
  lockdep->release(&raw);
}
static void trylock_counts_when_held(void) {
  lockdep->acquire(&raw, &raw_class, 1);
  take(&spin, &spin_class);
  lockdep->release(&spin);
  lockdep->release(&raw);
}
static void override_map(void) {
  take(&raw, &raw_class);
  take(&map, &override_class);
  ops->kfree(allocate(64));
  lockdep->release(&map);
  lockdep->release(&raw);
}
static void hardirq(void) {
  uint32_t before = ops->context(NOLOCK_CONTEXT_HARDIRQ);
  ops->kfree(allocate(64));
  ops->context(before);
}
// An interrupt starts anew: what it interrupted holds a raw lock, and a softirq may take a spinlock.
static void softirq_over_raw(void) {
  take(&raw, &raw_class);
  uint32_t before = ops->context(NOLOCK_CONTEXT_SOFTIRQ);
  ops->kfree(allocate(64));
  ops->context(before);
  lockdep->release(&raw);
}
static void same_lock_twice(void) {
  take(&spin, &spin_class);
  take(&spin, &spin_class);
}
static void two_locks_of_two_classes(void) {
  take(&spin, &spin_class);
  static const struct nolock_lock_class other = {"another_spinlock", 3, 3, 0};
  take(&second, &other);
  lockdep->release(&second);
  lockdep->release(&spin);
}

// Seed 000: a lock of the allocator is held, and somebody comes in between.
static size_t nested_size;
static int armed, nested, wanted_point;
static void nest(void) {
  void *object = allocate_nolock(nested_size);
  if (!object) return;
  nested++;
  ops->kfree_nolock(object);
}
static void on_signal(int number) {
  (void)number;
  armed = 0;  // its own calls pass probe points, too
  nest();
  armed = 1;
}
static void by_signal(uint32_t point) {
  if ((int)point == wanted_point && armed) raise(SIGUSR1);
}
static void by_probe(uint32_t point) {
  if ((int)point != wanted_point || !armed) return;
  armed = 0;
  nest();
  armed = 1;
}
static void nested_nolock(void (*probe)(uint32_t), int point, size_t size) {
  wanted_point = point;
  nested_size = size;
  signal(SIGUSR1, on_signal);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  ops->control("probe_hook", (uint64_t)(uintptr_t)probe);
  void *objects[100];
  armed = 1;
  for (int i = 0; i < 100; i++) objects[i] = allocate(64);
  for (int i = 0; i < 100; i++) ops->kfree(objects[i]);
  armed = 0;
  ops->control("probe_hook", 0);
  if (nested < 2) exit(2);
}
static void nmi_other_bucket(void) { nested_nolock(by_signal, PROBE_LINE_ALLOC, 1024); }
static void nmi_same_bucket(void) { nested_nolock(by_signal, PROBE_LINE_ALLOC, 64); }
static void nmi_list_lock(void) { nested_nolock(by_signal, PROBE_LIST_LOCK, 1024); }
static void probe_other_bucket(void) { nested_nolock(by_probe, PROBE_LINE_ALLOC, 1024); }
static void probe_list_lock(void) { nested_nolock(by_probe, PROBE_LIST_LOCK, 64); }

// Misuse that would hang: an ordinary call in a handler that interrupted the holder of list_lock.
static void report_and_leave(const char *text) {
  printf("1\n%s", text);
  fflush(stdout);
  _exit(0);
}
static void ordinary(uint32_t point) {
  if (point == PROBE_LIST_LOCK && armed) {
    armed = 0;
    allocate(64);
  }
}
static void kmalloc_in_the_holder(void) {
  ops->control("lockdep_hook", (uint64_t)(uintptr_t)report_and_leave);
  ops->control("probe_hook", (uint64_t)(uintptr_t)ordinary);
  armed = 1;
  allocate(64);
  exit(2);
}

// RT: with the line of one cache held, that of another may be waited for: a class per cache.
static pthread_t holder;
static volatile int holds, left, waited_for_it;
static void two_lines(uint32_t point) {
  if (point != PROBE_LINE_ALLOC) return;
  if (pthread_equal(pthread_self(), holder)) {
    if (holds) return;
    holds = 1;
    usleep(50000);
    left = 1;
  } else if (armed) {
    armed = 0;
    ops->kfree(allocate(1024));
    waited_for_it = left;
  }
}
static void *hold(void *p) {
  holder = pthread_self();
  ops->kfree(allocate(1024));
  return p;
}
static void line_after_line(void) {
  if (ops->control("vcpus", 1)) exit(2);
  pthread_t thread;
  ops->thread_attach();
  ops->control("probe_hook", (uint64_t)(uintptr_t)two_lines);
  if (pthread_create(&thread, 0, hold, 0)) exit(2);
  while (!holds) usleep(100);
  armed = 1;
  ops->kfree(allocate(64));
  pthread_join(thread, 0);
  if (!waited_for_it) exit(2);
}

static const struct { const char *name; void (*run)(void); } cases[] = {
#define CASE(name) {#name, name}
    CASE(raw_then_kmalloc), CASE(raw_then_hit), CASE(raw_then_kfree), CASE(raw_then_pages),
    CASE(raw_then_nolock), CASE(mutex_spin_kmalloc_raw), CASE(spin_then_mutex),
    CASE(trylock_is_exempt), CASE(trylock_counts_when_held), CASE(override_map), CASE(hardirq),
    CASE(softirq_over_raw), CASE(same_lock_twice), CASE(two_locks_of_two_classes),
    CASE(nmi_other_bucket), CASE(nmi_same_bucket), CASE(nmi_list_lock), CASE(probe_other_bucket),
    CASE(probe_list_lock), CASE(kmalloc_in_the_holder), CASE(line_after_line)};

static uint64_t reports(void) {
  struct nolock_stat table[128];
  size_t count = ops->stats(table, 128);
  for (size_t i = 0; i < count; i++)
    if (strcmp(table[i].name, "lockdep_reports") == 0) return table[i].value;
  exit(2);
}

int main(int count, char **arguments) {
  void *object = count == 3 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : 0;
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  ops = subject ? subject(NOLOCK_ABI) : 0;
  if (!ops || !(lockdep = ops->lockdep)) return puts("no lockdep"), 2;
  alarm(20);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (strcmp(cases[i].name, arguments[2])) continue;
    cases[i].run();
    const char *text = lockdep->report();
    printf("%llu\n%s", (unsigned long long)reports(), text ? text : "");
    return 0;
  }
  return puts("no such case"), 2;
}
