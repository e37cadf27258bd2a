/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fw/clock.h"
#include "fw/object.h"
#include "unit.h"

#define FILES	40
#define FOREIGN 0xfffu /* a device number that no file here has: the bench is asked */

/* A folder of files, and a kernel that tells what they are, or keeps who asks. */
struct bench {
	char dir[64];
	struct loop *loop;
	struct loop_timer *limit;
	struct objects *objects;
	struct stats stats;
	int settled;
	bool (*until)(struct bench *b);

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed; /* who asks for FOREIGN waits */
	int asked, waiting;
	int lie_from; /* from this question on the answer is another; 0: never */
	struct object_key foreign[FILES];
	size_t n_foreign;
};

static bool sealed; /* what is hashed from now on has verity, and all the same */

/* Threads ask: sealed is written before they have something to do. */
static int measure(int fd, struct verity *out)
{
	(void)fd;
	if (!sealed)
		return -ENODATA;
	*out = (struct verity){.algorithm = 1, .size = 1, .digest = {7}};
	return 0;
}

static int identify(void *cookie, int fd, struct object_key *out)
{
	struct bench *b = cookie;
	struct stat st;
	int r = -ENOENT;

	fstat(fd, &st);
	pthread_mutex_lock(&b->lock);
	b->asked++;
	b->waiting++;
	while (b->closed)
		pthread_cond_wait(&b->changed, &b->lock);
	b->waiting--;
	for (size_t i = 0; i < b->n_foreign; i++)
		if (b->foreign[i].ino == st.st_ino) {
			*out = b->foreign[i];
			r = 0;
		}
	if (b->lie_from && b->asked >= b->lie_from)
		out->ino++;
	pthread_mutex_unlock(&b->lock);
	return r;
}

static void set_closed(struct bench *b, bool closed)
{
	pthread_mutex_lock(&b->lock);
	b->closed = closed;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void on_settled(void *cookie)
{
	struct bench *b = cookie;

	b->settled++;
	if (b->until && b->until(b))
		loop_stop(b->loop);
}

static void on_limit(void *cookie)
{
	struct bench *b = cookie;

	CU_FAIL("waited in vain");
	loop_stop(b->loop);
}

static void setup(struct bench *b)
{
	const struct identify by = {identify, b};

	memset(b, 0, sizeof(*b));
	strcpy(b->dir, "/tmp/object.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b->dir));
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->loop = loop_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->loop);
	b->limit = loop_add_timer(b->loop, on_limit, b);
	b->objects = objects_new(b->loop, &b->stats, &by, measure, on_settled, b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->objects);
}

static void name_of(const struct bench *b, int file, char path[80])
{
	snprintf(path, 80, "%s/%d", b->dir, file);
}

static void end_bench(struct bench *b)
{
	char path[80];

	loop_remove_timer(b->limit);
	loop_free(b->loop);
	for (int i = 0; i < FILES; i++) {
		name_of(b, i, path);
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(b->dir), 0);
}

static void teardown(struct bench *b)
{
	CU_ASSERT_TRUE(objects_free(b->objects));
	end_bench(b);
}

static struct object_key key_of(const struct bench *b, int file)
{
	struct object_key key = {};
	struct stat st;
	char path[80];

	name_of(b, file, path);
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	key.ino = st.st_ino;
	key.size = (uint64_t)st.st_size;
	key.ctime_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec;
	key.dev = major(st.st_dev) << 20 | minor(st.st_dev);
	return key;
}

/* Its own name is what it has in it. */
static struct object_key make_file(const struct bench *b, int file)
{
	char path[80];
	FILE *f;

	name_of(b, file, path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(path, f);
	fclose(f);
	return key_of(b, file);
}

/* A file that user space is given another device number for. */
static struct object_key make_foreign(struct bench *b, int file)
{
	struct object_key key = make_file(b, file);

	key.dev = FOREIGN;
	pthread_mutex_lock(&b->lock);
	b->foreign[b->n_foreign++] = key;
	pthread_mutex_unlock(&b->lock);
	return key;
}

static struct place place_of(const struct bench *b, int file)
{
	char path[80];

	name_of(b, file, path);
	return (struct place){.pid = (uint32_t)getpid(), .path = strdup(path)};
}

static struct object *add(struct bench *b, const struct object_key *key, int file, bool ahead)
{
	struct place place = place_of(b, file);

	return objects_add(b->objects, key, &place, ahead);
}

static void run(struct bench *b, bool (*until)(struct bench *b))
{
	if (until(b))
		return;
	b->until = until;
	loop_arm(b->limit, 10000000000ull);
	loop_run(b->loop);
	loop_disarm(b->limit);
	b->until = NULL;
}

static bool once(struct bench *b)
{
	return b->settled > 0;
}

static void is_of_file(const struct bench *b, const struct object *obj, int file)
{
	unsigned char digest[SHA256_LEN];
	char path[80];

	name_of(b, file, path);
	EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL);
	CU_ASSERT_EQUAL_FATAL(obj->state, OBJECT_READY);
	CU_ASSERT_EQUAL(memcmp(obj->digest.b, digest, sizeof(digest)), 0);
	CU_ASSERT_STRING_EQUAL(obj->path, path);
}

static void test_hashed_once(void)
{
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	key = make_file(&b, 0);
	CU_ASSERT_PTR_NULL(objects_find(b.objects, &key));
	obj = add(&b, &key, 0, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(obj);
	CU_ASSERT_EQUAL(obj->state, OBJECT_PENDING);
	CU_ASSERT_PTR_EQUAL(add(&b, &key, 0, true), obj);
	run(&b, once);
	is_of_file(&b, obj, 0);
	CU_ASSERT_PTR_EQUAL(add(&b, &key, 0, false), obj);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASHED], 1);
	CU_ASSERT_EQUAL(objects_count(b.objects), 1);
	teardown(&b);
}

/* Of another inode, and what the test gives it as bytes: the verity digest alone counts. */
static void test_verity_is_hashed_once(void)
{
	struct object_key key[3];
	struct object *obj[3];
	struct bench b;

	setup(&b);
	sealed = true;
	for (int i = 0; i < 2; i++) {
		key[i] = make_file(&b, i);
		obj[i] = add(&b, &key[i], i, false);
		b.settled = 0;
		run(&b, once);
		CU_ASSERT_EQUAL_FATAL(obj[i]->state, OBJECT_READY);
		CU_ASSERT_EQUAL(obj[i]->verity.digest[0], 7);
	}
	is_of_file(&b, obj[0], 0);
	CU_ASSERT_EQUAL(memcmp(&obj[0]->digest, &obj[1]->digest, sizeof(struct sha256)), 0);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASHED], 1);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_VERITY_KNOWN], 1);
	sealed = false;
	key[2] = make_file(&b, 2);
	obj[2] = add(&b, &key[2], 2, false);
	b.settled = 0;
	run(&b, once);
	is_of_file(&b, obj[2], 2);
	CU_ASSERT_EQUAL(obj[2]->verity.size, 0);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASHED], 2);
	teardown(&b);
}

/* Another server may answer for what is measured: it is read, all of it. */
static void test_verity_from_far_away_does_not_count(void)
{
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	sealed = true;
	for (int i = 0; i < 2; i++) {
		key = make_file(&b, i);
		key.flags = OBJECT_REMOTE;
		obj = add(&b, &key, i, false);
		b.settled = 0;
		run(&b, once);
		is_of_file(&b, obj, i);
		CU_ASSERT_EQUAL(obj->verity.size, 0);
	}
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASHED], 2);
	sealed = false;
	teardown(&b);
}

/* File 1, which was looked for where file 0 is. */
static struct object *fail_to_find(struct bench *b, struct object_key *key)
{
	struct object *obj;

	make_file(b, 0);
	*key = make_file(b, 1);
	obj = add(b, key, 0, false);
	run(b, once);
	CU_ASSERT_EQUAL(obj->state, OBJECT_FAILED);
	return obj;
}

static void test_another_file_is_refused(void)
{
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	obj = fail_to_find(&b, &key);
	CU_ASSERT_EQUAL(obj->error, -ESTALE);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASH_FAILED], 1);
	CU_ASSERT_PTR_EQUAL(objects_find(b.objects, &key), obj);
	teardown(&b);
}

static void test_what_nobody_waits_for_is_forgotten(void)
{
	struct object_key key;
	struct bench b;

	setup(&b);
	make_file(&b, 0);
	key = make_file(&b, 1);
	add(&b, &key, 0, true);
	run(&b, once);
	CU_ASSERT_PTR_NULL(objects_find(b.objects, &key));
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASH_FAILED], 0);
	teardown(&b);
}

static bool hashed_one(struct bench *b)
{
	return b->stats.counter[COUNT_HASHED] == 1;
}

static void test_every_place_is_tried(void)
{
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	make_file(&b, 0);
	key = make_file(&b, 1);
	obj = add(&b, &key, 0, true);
	CU_ASSERT_PTR_EQUAL(add(&b, &key, 1, false), obj);
	run(&b, hashed_one);
	is_of_file(&b, obj, 1);
	teardown(&b);
}

/* That it was not in one place must not stand in the way of who says where it is, however soon. */
static void test_what_was_not_found_is_looked_for_elsewhere(void)
{
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	obj = fail_to_find(&b, &key);
	CU_ASSERT_PTR_EQUAL(add(&b, &key, 1, false), obj);
	CU_ASSERT_EQUAL(obj->state, OBJECT_FAILED); /* the same process: why is still to be seen */
	CU_ASSERT_PTR_EQUAL(add(&b, &key, 1, true), obj);
	CU_ASSERT_EQUAL(obj->state, OBJECT_PENDING);
	run(&b, hashed_one);
	is_of_file(&b, obj, 1);
	teardown(&b);
}

/* Same inode number and size on another device: only the kernel can tell. */
static void test_foreign_device_is_asked_for(void)
{
	struct object_key key, other;
	struct bench b;

	setup(&b);
	key = make_foreign(&b, 0);
	add(&b, &key, 0, false);
	run(&b, hashed_one);
	is_of_file(&b, objects_find(b.objects, &key), 0);
	CU_ASSERT_EQUAL(b.asked, 2);
	other = key;
	other.dev++;
	b.settled = 0;
	add(&b, &other, 0, false);
	run(&b, once);
	CU_ASSERT_EQUAL(objects_find(b.objects, &other)->state, OBJECT_FAILED);
	teardown(&b);
}

static void test_another_file_after_it_was_read(void)
{
	struct object_key key;
	struct bench b;

	setup(&b);
	b.lie_from = 2;
	key = make_foreign(&b, 0);
	add(&b, &key, 0, false);
	run(&b, once);
	CU_ASSERT_EQUAL(objects_find(b.objects, &key)->state, OBJECT_FAILED);
	teardown(&b);
}

/* How many threads stand still. */
static int waiting(struct bench *b)
{
	int n;

	pthread_mutex_lock(&b->lock);
	n = b->waiting;
	pthread_mutex_unlock(&b->lock);
	return n;
}

static bool stalled(struct bench *b)
{
	return b->stats.counter[COUNT_HASH_STALLED] > 0;
}

/* While a file stands still, others are hashed; it has failed, and is there when it comes back. */
static void test_a_file_that_blocks(void)
{
	struct object_key key, free_key;
	struct object *obj, *other;
	struct bench b;

	setup(&b);
	set_closed(&b, true);
	key = make_foreign(&b, 0);
	free_key = make_file(&b, 1);
	obj = add(&b, &key, 0, false);
	other = add(&b, &free_key, 1, false);
	run(&b, hashed_one);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASH_STALLED], 0);
	is_of_file(&b, other, 1);
	CU_ASSERT_EQUAL(obj->state, OBJECT_PENDING);
	run(&b, stalled);
	CU_ASSERT_EQUAL(obj->state, OBJECT_FAILED);
	CU_ASSERT_EQUAL(obj->error, -ETIMEDOUT);
	CU_ASSERT_EQUAL(waiting(&b), 1);
	CU_ASSERT_PTR_EQUAL(objects_find(b.objects, &key), obj);
	b.stats.counter[COUNT_HASHED] = 0;
	set_closed(&b, false);
	run(&b, hashed_one);
	is_of_file(&b, obj, 0);
	CU_ASSERT_EQUAL(b.stats.counter[COUNT_HASH_STALLED], 1);
	teardown(&b);
}

/* Where one process's way to a file blocks, another's may not. */
static void test_another_way_round_what_blocks(void)
{
	struct place blocks = {.pid = (uint32_t)getpid(), .path = strdup("/proc/version")};
	struct object_key key;
	struct object *obj;
	struct bench b;

	setup(&b);
	set_closed(&b, true);
	key = make_file(&b, 1);
	obj = objects_add(b.objects, &key, &blocks, true);
	add(&b, &key, 1, false);
	run(&b, hashed_one);
	is_of_file(&b, obj, 1);
	CU_ASSERT_EQUAL(waiting(&b), 1);
	set_closed(&b, false);
	teardown(&b);
}

static bool all_stalled(struct bench *b)
{
	return b->stats.counter[COUNT_HASH_STALLED] == FILES;
}

static bool all_but_one_stalled(struct bench *b)
{
	return b->stats.counter[COUNT_HASH_STALLED] == FILES - 1;
}

static bool all_hashed(struct bench *b)
{
	return b->stats.counter[COUNT_HASHED] == FILES;
}

static void test_more_files_that_block_than_threads(void)
{
	struct bench b;

	setup(&b);
	set_closed(&b, true);
	for (int i = 0; i < FILES; i++) {
		struct object_key key = make_foreign(&b, i);

		CU_ASSERT_PTR_NOT_NULL(add(&b, &key, i, false));
	}
	run(&b, all_stalled);
	CU_ASSERT_TRUE(waiting(&b) > 1 && waiting(&b) <= OBJECT_WORKERS - 2);
	set_closed(&b, false);
	run(&b, all_hashed);
	teardown(&b);
}

/* What is far away may block as much as it likes: what is here is hashed. */
static void test_files_far_away_that_block(void)
{
	struct object_key key;
	struct bench b;

	setup(&b);
	set_closed(&b, true);
	for (int i = 0; i < FILES - 1; i++) {
		key = make_foreign(&b, i);
		key.flags = OBJECT_REMOTE;
		pthread_mutex_lock(&b.lock);
		b.foreign[i].flags = OBJECT_REMOTE;
		pthread_mutex_unlock(&b.lock);
		CU_ASSERT_PTR_NOT_NULL(add(&b, &key, i, false));
	}
	run(&b, all_but_one_stalled);
	CU_ASSERT_EQUAL(waiting(&b), OBJECT_REMOTE_WORKERS);
	key = make_file(&b, FILES - 1);
	add(&b, &key, FILES - 1, false);
	run(&b, hashed_one);
	is_of_file(&b, objects_find(b.objects, &key), FILES - 1);
	set_closed(&b, false);
	run(&b, all_hashed);
	teardown(&b);
}

static void push_job(struct object_pool *pool, const struct bench *b, const struct object_key *key)
{
	struct object_job *job = calloc(1, sizeof(*job));

	CU_ASSERT_PTR_NOT_NULL_FATAL(job);
	job->key = *key;
	job->place = place_of(b, 0);
	CU_ASSERT_TRUE_FATAL(object_pool_push(pool, job));
}

/* A thread takes up a file at the very moment that it is asked how long it has been at it. */
static void test_looked_at_as_it_begins(void)
{
	struct object_pool *pool;
	struct object_job *job;
	struct object_key key;
	int given_up = 0;
	struct bench b;

	setup(&b);
	pool = object_pool_new(&(struct identify){identify, &b}, measure);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	key = make_file(&b, 0);
	for (int i = 0; i < 2000; i++) {
		push_job(pool, &b, &key);
		while (!(job = object_pool_done(pool)))
			given_up += !!object_pool_check(pool);
		CU_ASSERT_EQUAL(job->error, 0);
		object_job_free(job);
	}
	CU_ASSERT_EQUAL(given_up, 0);
	CU_ASSERT_TRUE(object_pool_stop(pool));
	teardown(&b);
}

static bool asked(struct bench *b)
{
	return waiting(b) > 0;
}

/* What it asks stands on must be left to it; once it comes back, nothing is asked any more. */
static void test_the_end_while_a_thread_is_stuck(void)
{
	struct object_key key;
	struct bench b;
	int n;

	setup(&b);
	set_closed(&b, true);
	for (int i = 0; i < 2; i++) {
		key = make_foreign(&b, i);
		add(&b, &key, i, false);
	}
	while (!asked(&b))
		sched_yield();
	n = b.asked;
	CU_ASSERT_FALSE(objects_free(b.objects));
	set_closed(&b, false);
	while (asked(&b))
		sched_yield();
	CU_ASSERT_EQUAL(b.asked, n);
	end_bench(&b);
}

static const struct unit_test tests[] = {
	{"hashed once, however many ask", test_hashed_once},
	{"files of one verity digest are hashed once", test_verity_is_hashed_once},
	{"verity from far away does not count", test_verity_from_far_away_does_not_count},
	{"another file is refused", test_another_file_is_refused},
	{"what nobody waits for is forgotten", test_what_nobody_waits_for_is_forgotten},
	{"what was not found is looked for elsewhere",
	 test_what_was_not_found_is_looked_for_elsewhere},
	{"every place is tried", test_every_place_is_tried},
	{"foreign device numbers are asked for", test_foreign_device_is_asked_for},
	{"another file after it was read", test_another_file_after_it_was_read},
	{"a file that blocks", test_a_file_that_blocks},
	{"another way round what blocks", test_another_way_round_what_blocks},
	{"more files that block than threads", test_more_files_that_block_than_threads},
	{"files far away that block", test_files_far_away_that_block},
	{"looked at as it begins", test_looked_at_as_it_begins},
	{"the end while a thread is stuck", test_the_end_while_a_thread_is_stuck},
};
UNIT_SUITE("fw/object", tests)
