"""Which process is meant, whatever number it has."""

from podium.runtime import processes


def test_a_process_is_known_by_more_than_its_number():
    me = processes.this_process()
    pid, start = me.split()
    assert processes.is_alive(me)
    assert not processes.is_alive(f"{pid} {int(start) - 1000}")
    assert not processes.is_alive("")
