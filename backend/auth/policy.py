"""Who may do what: one table, one pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.auth.principal import Principal, Role


class Action(StrEnum):
    READ = "read"  # see the space, its sources, briefs, answers and evidence
    COMMENT = "comment on a brief"
    ASK = "ask"  # run a question, which may cost money
    ADD_SOURCE = "add a source"
    DELETE_SOURCE = "delete a source"
    EDIT = "edit a brief"  # its text, its claims' opinions, its images
    DELETE_BRIEF = "delete a brief"
    EXPORT = "export a brief"  # to a target, through a connection of the space
    CONNECT = "connect a target"  # hand over a token, or take it away
    MANAGE_SPACE = "manage a space"  # create it, delete it, its members


@dataclass(frozen=True, slots=True)
class Resource:
    """What an action is done to: whose it is, and what the person is in it."""

    tenant: str
    role: Role | None = None


TABLE: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.COMMENTER: frozenset({Action.READ, Action.COMMENT}),
    Role.ANALYST: frozenset(
        {
            Action.READ,
            Action.COMMENT,
            Action.ASK,
            Action.ADD_SOURCE,
            Action.DELETE_SOURCE,
            Action.EDIT,
            Action.DELETE_BRIEF,
            Action.EXPORT,
        }
    ),
    Role.ADMIN: frozenset(Action),
}


def can(principal: Principal, action: Action, resource: Resource) -> bool:
    """Whether this person may do this to that. Nothing crosses a tenant."""
    if resource.tenant != principal.tenant:
        return False
    roles = principal.roles if resource.role is None else principal.roles | {resource.role}
    return any(
        action in TABLE[role] for role in roles if role is Role.ADMIN or role is resource.role
    )
