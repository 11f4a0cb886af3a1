"""The people of a space over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.auth.principal import Role
from backend.http import Asking, Wired
from backend.members.service import Member
from backend.sent import Sent

router = APIRouter(tags=["members"])


class SpaceMemberOut(BaseModel):
    subject: str
    role: Role
    you: bool

    @classmethod
    def of(cls, member: Member, asker: str) -> SpaceMemberOut:
        return cls(subject=member.subject, role=member.role, you=member.subject == asker)


class RoleSent(Sent):
    role: Role


@router.get("/api/spaces/{space_id}/members")
async def list_members(space_id: str, principal: Asking, services: Wired) -> list[SpaceMemberOut]:
    found = await services.members.list(principal, space_id)
    return [SpaceMemberOut.of(member, principal.subject) for member in found]


@router.put("/api/spaces/{space_id}/members/{subject:path}")
async def put_member(
    space_id: str, subject: str, sent: RoleSent, principal: Asking, services: Wired
) -> SpaceMemberOut:
    """Add somebody, or change their role. What they have open is judged anew within seconds."""
    member = await services.members.put(principal, space_id, subject, sent.role)
    return SpaceMemberOut.of(member, principal.subject)


@router.delete("/api/spaces/{space_id}/members/{subject:path}", status_code=204)
async def remove_member(space_id: str, subject: str, principal: Asking, services: Wired) -> None:
    """Take somebody out. Their sockets close within seconds; a space keeps at least one admin."""
    await services.members.remove(principal, space_id, subject)
