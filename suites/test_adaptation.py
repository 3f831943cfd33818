"""Does a network that changes its width keep budgets that change, and what is it worth beside static ones?"""

FAMILIES = ("vehicle", "bursty", "solar")  # deadlines; deadlines and RAM; energy


def test_adaptation(board, play_day, record):
    """A day of requests of each family is answered; where the clock counts work, every one is answered in time."""
    exact = board.identity.clock.deterministic

    for family in FAMILIES:
        day = play_day(family)
        accuracy = {"unit": "fraction", "better": "higher", "deterministic": exact}
        record.value(f"accuracy over requests ({family}, {day.policy})", day.accuracy, **accuracy)
        for subnet, static in day.static_accuracy.items():
            record.value(f"accuracy over requests ({family}, always)", static, subnet=subnet, **accuracy)
        record.value(f"deadline_misses ({family})", day.misses, unit="requests", deterministic=exact)
        record.value(f"switches ({family})", day.switches, unit="requests", deterministic=exact)
        record.value(f"switch_share ({family})", day.switch_share, unit="fraction", deterministic=exact)

        if exact:
            assert day.misses == day.infeasible == 0, family
