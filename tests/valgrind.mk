# Memcheck. `make valgrind` runs every unit test program and some stories of the end-to-end tests, with the
# supervisor, its checkers and its workers; nothing is suppressed. `make valgrind-short` runs what takes seconds.
# The lock of threads has to be fair: those that hash are niced, and would starve who waits for them. libc is
# not asked to free its own at the end: it may wait for a lock of a thread that ended while it looked up a name.
MEMCHECK := valgrind -q --fair-sched=yes --error-exitcode=99 --leak-check=full --num-callers=25 \
	--run-libc-freeres=no --keep-debuginfo=yes \
	--show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
UNDER_MEMCHECK = LIMIT_S=1800 PINTLE_UNDER='$(MEMCHECK)'
# Writes to address 0, to see who is blamed.
MEMCHECK_NOT := $(BUILD)/unit/test_board
MEMCHECK_SHORT := conf flow form http_chunk http_head json kv message opt plugin seal session_record token_cache
MEMCHECK_STORIES := test_first_steps.py test_flows.py test_stop.py::test_stop_and_start_many_times \
	test_reload.py::test_requests_in_flight_are_finished test_reload.py::test_a_session_of_before_lives_on \
	test_reload.py::test_a_worker_that_dies_comes_back_with_what_it_had

.PHONY: valgrind valgrind-short
valgrind: e2e-ready $(UNIT)
	@$(UNDER_MEMCHECK) sh scripts/run_unit.sh $(filter-out $(MEMCHECK_NOT),$(UNIT))
	$(UNDER_MEMCHECK) $(PYTEST) -n 0 $(addprefix tests/e2e/,$(MEMCHECK_STORIES))

valgrind-short: e2e-ready $(MEMCHECK_SHORT:%=$(BUILD)/unit/test_%)
	@$(UNDER_MEMCHECK) sh scripts/run_unit.sh $(MEMCHECK_SHORT:%=$(BUILD)/unit/test_%)
	$(UNDER_MEMCHECK) $(PYTEST) -n 0 tests/e2e/test_first_steps.py -k 2workers
