/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swap KIND ADDR PORT GOOD EVIL TAG: has a page of one of two files mapped executable while it
 * looks as if it were the other's, calls the code in it, sends "TAG good" or "TAG evil" in a
 * datagram, by the number that this returned (1 or 2), and ends at once.
 *
 *   plain    EVIL, with nobody in the way
 *   file     a thread puts the files at the descriptor in turn while it is mapped
 *   memory   a thread maps them in turn at the address that is made executable
 *   busy     EVIL, while a thread changes other mappings all the time
 *   deep     EVIL, in a gap between thousands of other mappings
 *   range    EVIL, by one call with a page of GOOD before it
 *   fork     EVIL, by a thread while another forks, and it is the child that sends
 *   pair     EVIL, while a thread maps it, too
 *   vfork    EVIL, by a child that uses the same memory
 *   parent   EVIL, by the parent of the one that sends, whose memory that uses
 *   compat   EVIL, by a call of the kind that programs of 32 bits make
 *   compat-file  as file, by such a call
 *
 * Exit 0; 1 when something failed; 3 when what is mapped in the end is not executable, 77 when
 * there is no such call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define DEEP 5000

typedef int (*code_fn)(void);

static int files[2];	  /* GOOD, EVIL */
static int place;	  /* a descriptor that is one of them */
static void *volatile at; /* a page that is */
static atomic_bool stop;
static atomic_int swaps; /* done so far */
static int out;		 /* a socket */
static struct sockaddr_in to;
static const char *tag;

static _Noreturn void failed(const char *what)
{
	perror(what);
	_exit(1);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		failed(path);
	return fd;
}

static void *map_page(int prot, int fd)
{
	void *page = mmap(NULL, PAGE, prot, MAP_PRIVATE, fd, 0);

	if (page == MAP_FAILED)
		failed("mmap");
	return page;
}

static void *swap_files(void *unused)
{
	for (int i = 0; !stop; i ^= 1, swaps++)
		dup2(files[i], place);
	return unused;
}

static void *swap_pages(void *unused)
{
	for (int i = 0; !stop; i ^= 1, swaps++)
		mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, files[i], 0);
	return unused;
}

static void *map_others(void *unused)
{
	for (; !stop; swaps++) {
		void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(page, PAGE);
	}
	return unused;
}

/* beside() goes on until its partner has done one(), which begins now after the one file, now
 * after the other. */
static void race(void *(*beside)(void *), void (*one)(void))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, beside, NULL))
		failed("pthread_create");
	while (swaps < 2 + getpid() % 16)
		;
	stop = getpid() / 16 % 2; /* a last swap is under way */
	one();
	stop = true;
	pthread_join(thread, NULL);
}

static void map_place(void)
{
	at = map_page(PROT_READ | PROT_EXEC, place);
}

static void protect_page(void)
{
	if (mprotect(at, PAGE, PROT_READ | PROT_EXEC))
		failed("mprotect");
}

static void by_plain(void)
{
	at = map_page(PROT_READ | PROT_EXEC, files[1]);
}

static void by_file(void)
{
	place = dup(files[0]);
	race(swap_files, map_place);
}

static void by_memory(void)
{
	at = map_page(PROT_READ, files[0]);
	race(swap_pages, protect_page);
}

static void by_busy(void)
{
	race(map_others, by_plain);
}

static void *map_too(void *unused)
{
	swaps = 100;
	map_page(PROT_READ | PROT_EXEC, files[1]);
	return unused;
}

static void by_pair(void)
{
	race(map_too, by_plain);
}

static void by_deep(void)
{
	char *page[DEEP];

	for (int i = 0; i < DEEP; i++) { /* neighbours that are not alike stay apart */
		page[i] = mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page[i] == MAP_FAILED)
			failed("mmap");
	}
	if (munmap(page[(unsigned int)getpid() % DEEP], PAGE))
		failed("munmap");
	by_plain();
}

static void by_range(void)
{
	char *first = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, files[0], 0);

	if (first == MAP_FAILED ||
	    mmap(first + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, files[1], 0) == MAP_FAILED)
		failed("mmap");
	if (mprotect(first, 2 * PAGE, PROT_READ | PROT_EXEC))
		failed("mprotect");
	at = first + PAGE;
}

static void *map_at(void *unused)
{
	for (; !stop; swaps++) {
		mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, files[0], 0);
		mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, files[1], 0);
	}
	return unused;
}

/* The child goes on. */
static void fork_here(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		failed("fork");
	if (!pid)
		return;
	if (waitpid(pid, &status, 0) != pid)
		failed("waitpid");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void by_fork(void)
{
	pthread_t thread;

	at = map_page(PROT_READ, files[0]);
	if (pthread_create(&thread, NULL, map_at, NULL))
		failed("pthread_create");
	while (swaps < 2 + getpid() % 16)
		;
	fork_here();
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		by_plain();
		_exit(0);
	}
	if (pid < 0)
		failed("vfork");
}

/* Calls the code, says what it is, and ends. */
static _Noreturn void say(void)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s %s\n", tag,
			 ((code_fn)at)() == 1 ? "good" : "evil");

	_exit(sendto(out, line, n, 0, (struct sockaddr *)&to, sizeof(to)) != n);
}

static void open_socket(void)
{
	out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (out < 0)
		failed("socket");
}

/* By a socket that is nobody else's. */
static int say_when_mapped(void *unused)
{
	(void)unused;
	open_socket();
	while (!at)
		usleep(100);
	say();
}

static void by_parent(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status, pid;

	close(out);
	pid = clone(say_when_mapped, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		failed("clone");
	by_plain();
	_exit(waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status));
}

/* mmap2 of arch/x86/entry/syscalls/syscall_32.tbl: its last argument, which is 0, is in %ebp. */
static void map_32(int fd)
{
	int page = 192;

	__asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
			 : "+a"(page)
			 : "b"(0), "c"(PAGE), "d"(PROT_READ | PROT_EXEC), "S"(MAP_PRIVATE), "D"(fd)
			 : "memory", "r8", "r9", "r10", "r11");
	if (page < 0 && page > -PAGE)
		_exit(page == -ENOSYS ? 77 : 1);
	at = (void *)(unsigned long)(unsigned int)page;
}

static void by_compat(void)
{
	map_32(files[1]);
}

static void map_place_32(void)
{
	map_32(place);
}

static void by_compat_file(void)
{
	place = dup(files[0]);
	race(swap_files, map_place_32);
}

static void not_executable(int signal)
{
	(void)signal;
	_exit(3);
}

static const struct {
	const char *name;
	void (*fn)(void);
} kinds[] = {
	{"plain", by_plain},   {"file", by_file},     {"memory", by_memory},
	{"busy", by_busy},     {"pair", by_pair},     {"deep", by_deep},
	{"range", by_range},   {"fork", by_fork},     {"vfork", by_vfork},
	{"parent", by_parent}, {"compat", by_compat}, {"compat-file", by_compat_file},
};

static void map_by(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, kind)) {
			kinds[i].fn();
			return;
		}
	fprintf(stderr, "swap: %s?\n", kind);
	_exit(2);
}

int main(int argc, char **argv)
{
	to.sin_family = AF_INET;
	if (argc != 7 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fputs("usage: swap KIND ADDR PORT GOOD EVIL TAG\n", stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	files[0] = open_file(argv[4]);
	files[1] = open_file(argv[5]);
	tag = argv[6];
	open_socket();
	signal(SIGSEGV, not_executable);
	map_by(argv[1]);
	say();
}
