"""Answers that get lost on the way, after the seat is written."""

from bench.faults.cases import Lab, Result, close, play
from bench.faults.crowd import Crowd
from bench.faults.inject import Proxy
from bench.faults.sale import Sale


def lost_answers(lab: Lab, buyers: int = 0) -> Result:
    """Cut 30 of 100 answers after the commit; everybody asks again with the same key, and gets the same seat."""
    buyers = buyers or (2000 if lab.full else 300)
    with lab.sale(seats=(buyers // 2, buyers // 4), buyers=buyers) as sale:
        if lab.twin:
            _let_people_have_two(sale)
        crowd = Crowd(sale, lab.port + 1, lab.seed, within=60)
        lost = 0

        async def story(crowd: Crowd) -> int:
            nonlocal lost
            async with Proxy(port=lab.port + 1, to=lab.port, share=0.3, dice=sale.dice) as proxy:
                await crowd.see(lambda: len(crowd.answered) == buyers, crowd.within)
                lost = proxy.lost
            return 0

        play(crowd, story)
        verdict = close(sale, crowd)
    again = sum(one.status == 200 for one in sale.history)
    return Result(verdict, lab.seed, 0, f"{lost} answers cut, {again} told again")


def _let_people_have_two(sale: Sale) -> None:
    """Drop the constraint that would still save the twin without keys."""
    sale.execute("DROP INDEX offers_claim_one_live")
