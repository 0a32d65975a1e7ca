"""The map of states: outlines with their numbers in words, none by its shade alone."""

import re
from dataclasses import replace

from esrd_pipeline.site.state_map import State, draw_map, list_states, name_states
from esrd_pipeline_tests.site.whole import make_data


def test_a_state_has_the_mean_stars_of_its_rated_facilities() -> None:
    states = {state.code: state for state in list_states(make_data())}
    assert states["GA"] == State("GA", "Georgia", 2, 2, 3.0)
    assert states["NY"] == State("NY", "New York", 1, 0, None)
    assert states["TX"].count == 0


def test_every_state_is_drawn_with_its_number() -> None:
    codes = list(name_states())
    assert len(codes) == 50 + 1 + 5
    found = list_states(make_data())
    states = [replace(state, mean=1 + at / 15, count=1) for at, state in enumerate(found)]
    drawn = draw_map(states)
    assert len(drawn) < 40_000
    for state in states:
        assert f'href="states/{state.code}.html" tabindex="-1"' in drawn
        shown = rf">{state.code}(<tspan [^>]*>| ){state.mean:.1f}<"
        assert re.search(shown, drawn), state
    # All within the picture: 1020 x 610.
    starts = [(int(x), int(y)) for x, y in re.findall(r"[\"z]M(\d+) (\d+)[lh]", drawn)]
    assert len(starts) >= len(codes)
    assert all(0 <= x <= 1020 and 0 <= y <= 610 for x, y in starts)


def test_shades_are_fifths_from_one_star_to_five() -> None:
    state = State("GA", "Georgia", 1, 1, 1.0)
    shades = [replace(state, mean=mean).shade for mean in (1.0, 1.74, 1.81, 3.0, 4.3, 5.0, None)]
    assert shades == ["q0", "q0", "q1", "q2", "q4", "q4", "none"]
    # All print 3.4.
    assert {replace(state, mean=mean).shade for mean in (3.351, 3.4, 3.449)} == {"q3"}
