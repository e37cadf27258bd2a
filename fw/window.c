// SPDX-License-Identifier: GPL-2.0-or-later
#include "window.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* linux 5.14 */
#endif

/* Where this thread goes on when a byte of its window is not there. */
static _Thread_local sigjmp_buf *way_out;

static void on_sigbus(int signal_number)
{
	if (way_out)
		siglongjmp(*way_out, 1);
	signal(signal_number, SIG_DFL); /* not ours: it is raised again at once */
}

static void handle_sigbus(void)
{
	struct sigaction action = {.sa_handler = on_sigbus};

	sigaction(SIGBUS, &action, NULL);
}

static int look(const unsigned char *bytes, size_t n, window_fn *fn, void *cookie)
{
	sigjmp_buf here;
	int r;

	if (sigsetjmp(here, 1)) {
		way_out = NULL;
		return -EIO;
	}
	way_out = &here;
	r = fn(cookie, bytes, n);
	way_out = NULL;
	return r;
}

int window_each(int fd, off_t size, window_fn *fn, void *cookie)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, handle_sigbus);
	for (off_t at = 0; at < size; at += WINDOW_SIZE) {
		size_t n = size - at < WINDOW_SIZE ? size - at : WINDOW_SIZE;
		void *bytes = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, at);
		int r;

		if (bytes == MAP_FAILED)
			return -errno;
		madvise(bytes, n, MADV_POPULATE_READ); /* else page by page: slower, no worse */
		r = look(bytes, n, fn, cookie);
		munmap(bytes, n);
		if (r)
			return r;
	}
	return 0;
}
