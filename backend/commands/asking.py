"""One question from the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from backend.commands.client import Refused, find_space, product
from backend.settings import Settings


@dataclass
class Told:
    """An answer's events, folded."""

    state: str = "failed"
    started: dict[str, Any] = field(default_factory=dict)
    sentences: list[dict[str, Any]] = field(default_factory=list)
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)

    def take(self, name: str, data: dict[str, Any]) -> None:
        match name:
            case "started":
                self.started = data
            case "sentence":
                self.sentences.append({"text": data["text"], "evidence": []})
            case "cited":
                found = data["evidence"]
                self.evidence[found["id"]] = found
                self.sentences[data["index"]]["evidence"].append(found["id"])
            case "notice":
                self.notices.append(data)
                if data["code"] == "fell_back":
                    self.sentences.clear()
                    self.evidence.clear()
            case "finished" | "declined" | "failed":
                self.state, self.ended = name, data

    def json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            **self.started,
            "sentences": self.sentences,
            "evidence": self.evidence,
            "notices": self.notices,
            **{key: value for key, value in self.ended.items() if key not in ("answer", "state")},
        }

    def text(self) -> str:
        if self.state == "failed":
            error = self.ended.get("error", {})
            return f"{error.get('message', 'The answer was cut off.')} {error.get('remedy', '')}"
        if self.state == "declined":
            nearest = [
                f"  nearest: {hit['passage']['source_title']}{_page(hit['passage'])}: "
                f"{' '.join(hit['passage']['text'].split())[:160]}"
                for hit in self.ended["nearest"]
            ]
            return "\n".join([self.ended["reason"], *nearest])
        numbers = {cite: number for number, cite in enumerate(self.evidence, 1)}
        lines = [
            sentence["text"] + "".join(f"[{numbers[cite]}]" for cite in sentence["evidence"])
            for sentence in self.sentences
        ]
        if self.started.get("kind") == "extractive":
            lines.append("\nExtractive answer: quotes from the sources, composed without a model.")
        references = [
            f"[{numbers[cite]}] {found['source_title']}{_page(found)}: "
            f"“{' '.join(found['quote'].split())}”"
            for cite, found in self.evidence.items()
        ]
        notices = [f"Note: {notice['message']}" for notice in self.notices]
        return "\n".join([*lines, *notices, "", *references])


def _page(place: dict[str, Any]) -> str:
    return f" p. {place['page']}" if place["page"] is not None else ""


async def ask(settings: Settings, question: str, space: str) -> Told:
    """Ask and wait for the end."""
    told = Told()
    async with product(settings) as client:
        found = await find_space(client, space)
        async with client.stream(
            "POST", f"/api/spaces/{found}/answers", json={"question": question}
        ) as response:
            if not response.is_success:
                error = json.loads(await response.aread())["error"]
                raise Refused(error["message"], error["remedy"])
            name = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    told.take(name, json.loads(line.removeprefix("data: ")))
    return told
