"""What health and doctor ask of each port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sqlalchemy import func, select, text

from backend.errors import Unavailable
from backend.health import Port
from backend.ports import LanguageModel
from backend.services import Services
from backend.store.tables import passages, sources
from backend.wiring.legs import BrokenReranker, OpenedLeg
from retrieval.encoders.late import LateEncoder
from retrieval.ports import Reports
from retrieval.rebuild import Standing

Check: TypeAlias = Callable[[], Awaitable[str]]


def ports_of(services: Services, model: LanguageModel | None) -> list[Port]:
    """What health and doctor ask, in the order a question passes through."""
    settings = services.settings

    def port(name: str, setting: str, implementation: str, check: Check) -> Port:
        return Port(name, setting, str(settings.url(setting)), implementation, check)

    async def database() -> str:
        async with services.store.reading() as connection:
            answer = await connection.scalar(
                text(
                    "SELECT sqlite_version()"
                    if services.store.dialect == "sqlite"
                    else "SHOW server_version"
                )
            )
        return f"{services.store.dialect} {answer}"

    async def blobs() -> str:
        await services.blobs.exists("health/probe")
        return "answers"

    async def jobs() -> str:
        waiting = await services.outbox.waiting()
        return f"{settings.jobs_workers} at once in this process; {waiting} waiting or running"

    async def language_model() -> str:
        if model is None:
            return "no model is set: answers are quotes, each cited, and say so"
        return model.name

    async def reranker() -> str:
        reranking = services.searcher.reranking
        if reranking is None:
            return "off: the order of the best passages is the fusion's"
        if isinstance(reranking.reranker, BrokenReranker):
            raise reranking.reranker.error
        return (
            f"{reranking.reranker.fingerprint}; looks at {reranking.top} passages where the best "
            f"is less than {reranking.margin:.0%} ahead"
        )

    async def between() -> str:
        if services.bus is None:
            return "none: this is the only process"
        if services.bus.away:
            raise Unavailable(
                f"does not answer: {services.bus.why}",
                "Edits still reach the other processes, but only as fast as they look for them.",
            )
        return "answers"

    async def sign_in() -> str:
        said = "whoever sits at this machine is its admin; serves loopback only"
        if settings.public_url and not settings.return_url:
            said += (
                f"; who signs in to Notion, Jira or Trello comes back to the address they came "
                f"from, such as http://{settings.host}:{settings.port}, and not to "
                f"{settings.public_url}: register that address there"
            )
        return said

    def leg(opened: OpenedLeg) -> Check:
        async def check() -> str:
            building = opened.standing.rebuild
            if building is not None and opened.standing.serving is None:
                raise Unavailable(
                    f"rebuilding {building}",
                    "Wait until it is built; the other legs answer meanwhile.",
                    code="being_rebuilt",
                )
            held = await opened.leg.count()
            if building is not None:
                return f"{held:,} passages; rebuilding {building}"
            if opened.standing.outdated:
                return f"{held:,} passages, of other settings; rebuilt when the server starts"
            async with services.store.reading() as connection:
                current = await connection.scalar(
                    select(func.count())
                    .select_from(passages.join(sources, sources.c.id == passages.c.source))
                    .where(passages.c.version == sources.c.version)
                )
            if held < (current or 0) and not await services.outbox.waiting():
                raise Unavailable(
                    f"holds {held:,} of {current:,} passages, so some cannot be found by it",
                    "Run `stratmaster reindex`.",
                    code="incomplete_index",
                )
            if isinstance(opened.encoder, LateEncoder) and not opened.encoder.warm:
                return f"{held:,} passages; warming: the encoder is being opened"
            how = _how(opened.standing)
            return f"{held:,} passages; {how}" if how else f"{held:,} passages"

        return check

    def off(name: str) -> Check:
        async def check() -> str:
            return f"off: searches run without the {name} leg"

        return check

    found = [port("database", "DATABASE_URL", services.store.dialect, database)]
    for opened in services.legs:
        found.append(port(opened.leg.name, opened.setting, opened.implementation, leg(opened)))
    for name, setting in (
        ("dense", "DENSE_URL"),
        ("sparse", "SPARSE_URL"),
        ("graph", "GRAPH_URL"),
    ):
        if not any(opened.setting == setting for opened in services.legs):
            found.append(port(name, setting, "off", off(name)))
    found += [
        port("reranker", "RERANKER_URL", settings.url("RERANKER_URL").scheme, reranker),
        port("blobs", "BLOBS_URL", settings.url("BLOBS_URL").scheme, blobs),
        port("bus", "BUS_URL", settings.url("BUS_URL").scheme, between),
        port("model", "MODEL_URL", "extractive" if model is None else model.name, language_model),
        port("sign-in", "AUTH_URL", services.authenticator.name, sign_in),
        port("jobs", "DATABASE_URL", "outbox", jobs),
    ]
    return found


def _how(standing: Standing) -> str:
    if standing.serving is None:
        return ""
    leg = standing.serving.leg
    return leg.report() if isinstance(leg, Reports) else ""
