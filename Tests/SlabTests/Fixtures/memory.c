// memory.c: what memory the allocator keeps, in a process with nothing else in it.
//
// Prints, a name and a number to a line: idle_resident_bytes (after one call), thread_bytes (what
// each of 1,000 threads that allocated once leaves behind when all have ended, beyond what a thread
// without a call leaves), thread_page_bytes (the same in the allocator's own pages), then for a
// churn of 10,000 live objects: live_bytes (their buckets), retained_bytes (the allocator's pages),
// churn_resident_bytes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../../Sources/CNolock/include/nolock.h"

enum { THREADS = 1000, LIVE = 10000, STEPS = 2000000 };
static const struct nolock_ops *ops;
static pthread_barrier_t all_there;
static void *objects[LIVE];

static long resident(void) {
  char text[128] = {0};
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return -1;
  long pages = fgets(text, sizeof text, file) ? strtol(strchr(text, ' '), 0, 10) : -1;
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static long statistic(const char *name) {
  static struct nolock_stat stats[256];
  size_t count = ops->stats(stats, 256);
  for (size_t i = 0; i < count && i < 256; i++)
    if (!strcmp(stats[i].name, name)) return (long)stats[i].value;
  return -1;
}

static void *thread(void *allocates) {
  void *object = 0;
  if (allocates && !(object = ops->kmalloc(64, 0, NOLOCK_NO_NODE))) abort();
  pthread_barrier_wait(&all_there);  // all 1,000 are alive at once
  if (object) ops->kfree(object);
  return 0;
}

static void generation(int allocates) {
  static pthread_t threads[THREADS];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_barrier_init(&all_there, 0, THREADS);
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], &attributes, thread, allocates ? &all_there : 0)) abort();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  pthread_barrier_destroy(&all_there);
}

static void churn(void) {
  uint64_t random = 88172645463325252u;
  for (long i = 0; i < STEPS; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    void **slot = &objects[i < LIVE ? i : (long)(random % LIVE)];
    ops->kfree(*slot);
    if (!(*slot = ops->kmalloc(8 + (random >> 32) % 2041, 0, NOLOCK_NO_NODE))) abort();
    *(uint64_t *)*slot = random;
  }
}

int main(int count, char **arguments) {
  void *object = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : 0;
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  if (!subject || !(ops = subject(NOLOCK_ABI))) return puts("cannot load"), 1;
  ops->kfree(ops->kmalloc(64, 0, NOLOCK_NO_NODE));
  ops->barrier();  // the worker is there
  printf("idle_resident_bytes %ld\n", resident());
  generation(0);  // glibc keeps stacks
  ops->barrier();
  long before = resident(), pages = statistic("pages_bytes_now");
  generation(1);
  ops->barrier();
  printf("thread_bytes %ld\n", (resident() - before) / THREADS);
  printf("thread_page_bytes %ld\n", (statistic("pages_bytes_now") - pages) / THREADS);
  printf("threads_left %ld\n", statistic("vcpus_now"));
  churn();
  long live = 0;
  for (int i = 0; i < LIVE; i++) live += (long)ops->ksize(objects[i]);
  printf("live_bytes %ld\n", live);
  printf("retained_bytes %ld\n", statistic("pages_bytes_now"));
  printf("churn_resident_bytes %ld\n", resident());
  return 0;
}
