"""An example of how routes are written here: scopes, owner checks, pages; change or delete it."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select, update

from app.auth import APIRouter, CurrentUser, requires
from app.core.database import DatabaseSession
from app.core.errors import NotFound
from app.core.problem_schema import problems
from app.models import Item

router = APIRouter(prefix="/items", tags=["items"], responses=problems(400, 401, 403, 422, 503))


class ItemContent(BaseModel):
    """What a client decides about an item."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)


class ItemView(ItemContent):
    """An item as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime


class ItemPage(BaseModel):
    """Some of the owner's items; ask for the next ones with `after=next`."""

    items: list[ItemView]
    next: UUID | None


@router.get("", dependencies=[requires("items:read")])
async def list_items(
    user: CurrentUser,
    session: DatabaseSession,
    after: UUID | None = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
) -> ItemPage:
    """List your items, in the order of their ids."""
    statement = select(Item).where(Item.owner_id == user.account_id).order_by(Item.id)
    if after is not None:
        statement = statement.where(Item.id > after)
    rows = (await session.scalars(statement.limit(limit + 1))).all()
    page = [ItemView.model_validate(row) for row in rows[:limit]]
    return ItemPage(items=page, next=page[-1].id if len(rows) > limit else None)


@router.post("", status_code=201, dependencies=[requires("items:write")])
async def create_item(
    user: CurrentUser, session: DatabaseSession, content: ItemContent
) -> ItemView:
    """Make an item of yours."""
    item = Item(owner_id=user.account_id, name=content.name, created_at=datetime.now(UTC))
    session.add(item)
    await session.flush()
    return ItemView.model_validate(item)


# Another account's item answers 404, as one that does not exist: the owner is part of every
# statement, so that a forgotten comparison cannot open it.


@router.get("/{item_id}", dependencies=[requires("items:read")], responses=problems(404))
async def show_item(user: CurrentUser, session: DatabaseSession, item_id: UUID) -> ItemView:
    """Show one of your items."""
    statement = select(Item).where(Item.id == item_id, Item.owner_id == user.account_id)
    item = await session.scalar(statement)
    if item is None:
        raise NotFound
    return ItemView.model_validate(item)


@router.put("/{item_id}", dependencies=[requires("items:write")], responses=problems(404))
async def change_item(
    user: CurrentUser, session: DatabaseSession, item_id: UUID, content: ItemContent
) -> ItemView:
    """Change one of your items."""
    item = await session.scalar(
        update(Item)
        .where(Item.id == item_id, Item.owner_id == user.account_id)
        .values(name=content.name)
        .returning(Item)
    )
    if item is None:
        raise NotFound
    return ItemView.model_validate(item)


@router.delete(
    "/{item_id}", status_code=204, dependencies=[requires("items:write")], responses=problems(404)
)
async def delete_item(user: CurrentUser, session: DatabaseSession, item_id: UUID) -> None:
    """Delete one of your items."""
    deleted = await session.scalar(
        delete(Item).where(Item.id == item_id, Item.owner_id == user.account_id).returning(Item.id)
    )
    if deleted is None:
        raise NotFound
