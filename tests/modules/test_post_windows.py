"""How much is sent to one place at once, and when."""

from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.forwards.windows import FIRST, LARGEST, LONGEST_HOLD, LONGEST_REST, PATIENCE, Window


def alone(window, now, *, times):
    """So many tries without an answer, one after the other, each as soon as it may be; how long each was waited for."""
    waits = []
    for _ in range(times):
        waits.append(max(0, window.held_until - now))
        now += waits[-1]
        window.unanswered(now, now + 1)
        now += 1
    return waits


def test_a_place_that_answers_gets_more_at_once_up_to_a_bound():
    window = Window()
    assert window.free(0, 0) == FIRST
    for _ in range(1000):
        window.answered()
    assert (window.free(0, 0), window.free(0, LARGEST), window.free(0, LARGEST + 5)) == (LARGEST, 0, 0)


def test_a_dead_place_is_left_alone_longer_and_longer_up_to_a_bound():
    waits = alone(Window(), SECOND, times=40)
    assert waits[:PATIENCE] == [0] * PATIENCE
    assert waits[PATIENCE:] == sorted(waits[PATIENCE:])
    assert waits[PATIENCE] > 0
    assert waits[-1] == LONGEST_REST


def test_what_was_sent_together_fails_together_and_counts_once():
    window = Window()
    for _ in range(50):
        window.unanswered(0, SECOND)
    assert window.free(SECOND, 0) == FIRST


def test_a_dead_place_gets_one_at_a_time():
    window = Window()
    alone(window, 0, times=20)
    assert window.free(window.held_until, 0) == 1


def test_a_place_that_fails_now_and_then_gets_as_much_as_one_that_never_does():
    window, now = Window(), 0
    for _ in range(1000):
        now += 1
        window.answered()
        window.unanswered(now, now)
    assert window.free(now, 0) == LARGEST


def test_an_answer_makes_good_for_all_that_went_before():
    window = Window()
    alone(window, 0, times=40)
    window.answered()
    assert alone(window, window.held_until, times=PATIENCE) == [0] * PATIENCE


def test_whoever_asks_for_a_pause_gets_it_up_to_an_hour():
    window = Window()
    window.hold(0, 10 * LONGEST_HOLD)
    assert window.free(LONGEST_HOLD - 1, 0) == 0
    assert window.free(LONGEST_HOLD, 0) == FIRST


def test_what_was_looked_for_in_vain_is_looked_for_less_and_less_until_something_stirs():
    window, now, waits = Window(), SECOND, []
    for _ in range(20):
        window.looked(now, {})
        began = now
        while not window.free(now, 0):
            now += SECOND // 10
        waits.append(now - began)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (SECOND // 10, LONGEST_REST)

    window.looked(now, {})
    window.stirred()
    assert window.free(now, 0) == FIRST
    window.looked(now, {1: "a", 2: "b"})
    assert window.after == "b"
