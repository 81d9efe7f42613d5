/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define N_POSTERS 4
#define N_POSTS 2000

struct story {
	struct loop *loop;
	int seen[N_POSTERS]; /* the number each poster's last item had */
	int n_wrong, n_left;
	char order[16];
	size_t n_order;
};

struct post {
	struct story *story;
	int poster, number;
};

static void stop(void *arg)
{
	struct story *story = arg;

	loop_stop(story->loop);
}

static void take_post(void *arg)
{
	struct post *post = arg;
	struct story *story = post->story;

	story->n_wrong += !loop_is_here(story->loop) || story->seen[post->poster] != post->number;
	story->seen[post->poster]++;
	free(post);
	if (--story->n_left == 0)
		stop(story);
}

static void *post_many(void *arg)
{
	struct post *first = arg;

	for (int i = 0; i < N_POSTS; i++) {
		struct post *post = malloc(sizeof(*post));

		*post = *first;
		post->number = i;
		loop_post(first->story->loop, take_post, post);
	}
	return NULL;
}

static void test_posts_of_many_threads_in_order(void **state)
{
	struct story story = { .loop = loop_new(), .n_left = N_POSTERS * N_POSTS };
	pthread_t threads[N_POSTERS];
	struct post firsts[N_POSTERS];

	(void)state;
	assert_false(loop_is_here(story.loop));
	for (int i = 0; i < N_POSTERS; i++) {
		firsts[i] = (struct post){ .story = &story, .poster = i };
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &firsts[i]), 0);
	}
	loop_run(story.loop);
	for (int i = 0; i < N_POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(story.n_left, 0);
	assert_int_equal(story.n_wrong, 0);
	loop_free(story.loop);
}

static void note(struct story *story, char c)
{
	if (story->n_order < sizeof(story->order) - 1)
		story->order[story->n_order++] = c;
}

static void note_a(void *arg)
{
	note(arg, 'a');
}

static void note_b(void *arg)
{
	struct story *story = arg;

	note(story, 'b');
	loop_post(story->loop, note_a, story); /* from the loop: in the next round */
}

static void note_c(void *arg)
{
	note(arg, 'c');
}

static void note_d_and_stop(void *arg)
{
	note(arg, 'd');
	stop(arg);
}

static void test_posted_before_the_run(void **state)
{
	struct story story = { .loop = loop_new() };

	(void)state;
	loop_post(story.loop, note_b, &story);
	loop_post(story.loop, note_c, &story);
	loop_after(story.loop, 1, note_d_and_stop, &story);
	loop_run(story.loop);
	assert_string_equal(story.order, "bcad");
	loop_free(story.loop);
}

static void set_timers(void *arg)
{
	struct story *story = arg;

	loop_after(story->loop, 30, note_d_and_stop, story);
	loop_after(story->loop, 1, note_c, story);
	loop_after(story->loop, -5, note_a, story);
}

static void test_timers_by_their_delay(void **state)
{
	struct story story = { .loop = loop_new() };

	(void)state;
	loop_post(story.loop, set_timers, &story);
	loop_run(story.loop);
	assert_string_equal(story.order, "acd");
	loop_free(story.loop);
}

static void set_far_timer(void *arg)
{
	struct story *story = arg;

	loop_after(story->loop, 3600000, note_a, story);
	stop(story);
}

static void test_free_with_timers_and_posts_left(void **state)
{
	struct story story = { .loop = loop_new() };

	(void)state;
	loop_post(story.loop, set_far_timer, &story);
	loop_run(story.loop);
	loop_post(story.loop, note_a, &story);
	loop_free(story.loop);
	loop_free(NULL);
	assert_int_equal(story.n_order, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posts_of_many_threads_in_order),
		cmocka_unit_test(test_posted_before_the_run),
		cmocka_unit_test(test_timers_by_their_delay),
		cmocka_unit_test(test_free_with_timers_and_posts_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
