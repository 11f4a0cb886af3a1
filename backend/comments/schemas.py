"""Comments and notifications at the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.comments.model import Anchor, Comment, Notification, Person, Thread, Why
from backend.comments.service import Listed, Said
from backend.sent import Sent

POSITION = r"^[A-Za-z0-9+/]+={0,2}$"


class AnchorIn(Sent):
    """Where a thread hangs in the text."""

    start: str = Field(
        max_length=200, pattern=POSITION, description="A relative position of Yjs, in base64."
    )
    end: str = Field(max_length=200, pattern=POSITION)
    block: str = Field(max_length=40, description="The id of the block the words begin in.")
    text: str = Field(min_length=1, max_length=1_000, description="The words commented on.")
    before: str = Field("", max_length=64, description="What stands before them in their block.")
    after: str = Field("", max_length=64)

    def anchor(self) -> Anchor:
        return Anchor(self.start, self.end, self.block, self.text, self.before, self.after)


class CommentIn(Sent):
    body: str
    mentions: list[str] = Field([], description="Subjects of those who are to be told.")
    draft: str | None = Field(
        None, max_length=40, description="What the page calls it: sent twice, it is written once."
    )
    name: str | None = Field(
        None,
        max_length=60,
        description="A guest's name, where everyone is one person: AUTH_URL=dev.",
    )

    def said(self) -> Said:
        return Said(self.body, self.mentions, self.draft)


class NewThread(CommentIn):
    anchor: AnchorIn


class ThreadChange(Sent):
    """What is null stays as it is."""

    resolved: bool | None = None
    anchor: AnchorIn | None = None
    revision: int | None = Field(
        None,
        description="Of the anchor that moved with its words; null where a person chose others.",
    )
    name: str | None = Field(None, max_length=60)


class ReadIn(Sent):
    thread: str | None = Field(None, description="null for all of them.")


class PersonOut(BaseModel):
    subject: str
    name: str

    @classmethod
    def of(cls, person: Person) -> PersonOut:
        return cls(subject=person.subject, name=person.name)


class AnchorOut(BaseModel):
    start: str
    end: str
    block: str
    text: str
    before: str
    after: str


class ResolvedOut(BaseModel):
    at: str
    by: PersonOut


class CommentOut(BaseModel):
    id: str
    author: PersonOut
    body: str
    mentions: list[PersonOut]
    created_at: str
    edited_at: str | None
    deleted: bool = Field(description="Its words are gone; others had answered them.")

    @classmethod
    def of(cls, comment: Comment) -> CommentOut:
        return cls(
            id=comment.id,
            author=PersonOut.of(comment.author),
            body=comment.body,
            mentions=[PersonOut.of(person) for person in comment.mentions],
            created_at=iso(comment.created_at),
            edited_at=None if comment.edited_at is None else iso(comment.edited_at),
            deleted=comment.deleted,
        )


class ThreadOut(BaseModel):
    id: str
    anchor: AnchorOut
    revision: int
    quote: str = Field(description="The words as they were when they were commented on.")
    resolved: ResolvedOut | None
    created_at: str
    comments: list[CommentOut]

    @classmethod
    def of(cls, thread: Thread) -> ThreadOut:
        anchor, resolved = thread.anchor, thread.resolved
        return cls(
            id=thread.id,
            anchor=AnchorOut(
                start=anchor.start,
                end=anchor.end,
                block=anchor.block,
                text=anchor.text,
                before=anchor.before,
                after=anchor.after,
            ),
            revision=thread.revision,
            quote=thread.quote,
            resolved=None
            if resolved is None
            else ResolvedOut(at=iso(resolved.at), by=PersonOut.of(resolved.by)),
            created_at=iso(thread.created_at),
            comments=[CommentOut.of(comment) for comment in thread.comments],
        )


class CommentsOut(BaseModel):
    threads: list[ThreadOut]
    more: bool = Field(description="There are resolved threads after the last of these.")
    people: list[PersonOut] = Field(description="Who can be mentioned.")
    comments: bool = Field(description="Whether the asker may comment.")
    moderates: bool = Field(description="Whether the asker may delete what others wrote.")

    @classmethod
    def of(cls, listed: Listed) -> CommentsOut:
        return cls(
            threads=[ThreadOut.of(thread) for thread in listed.threads],
            more=listed.more,
            people=[PersonOut.of(person) for person in listed.people],
            comments=listed.comments,
            moderates=listed.moderates,
        )


class NotificationOut(BaseModel):
    id: str
    kind: Why
    by: str
    space: str
    brief: str
    title: str
    thread: str
    words: str
    created_at: str
    read: bool

    @classmethod
    def of(cls, one: Notification) -> NotificationOut:
        return cls(
            id=one.id,
            kind=one.kind,
            by=one.by,
            space=one.space,
            brief=one.brief,
            title=one.title,
            thread=one.thread,
            words=one.words[:EXCERPT],
            created_at=iso(one.created_at),
            read=one.read,
        )


class NotificationsOut(BaseModel):
    unread: int
    notifications: list[NotificationOut]


EXCERPT = 200  # characters of a comment in a notification
