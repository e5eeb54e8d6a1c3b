"""Log in; who am I; users and API keys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request

from app.core.declared import check_declared
from app.core.deps import DatabaseDep, KeyringDep, SettingsDep
from app.core.errors import CursorMismatch
from app.core.ids import ApiKeyId, UserId, new_id
from app.core.pagination import CursorText, Limit, Page, binding_of, id_after, page_by_id
from app.core.problems import problems
from app.identity import repository, service, signing_in
from app.identity.deps import Actor, needs, needs_login
from app.identity.errors import (
    ApiKeyNotFound,
    CredentialsInvalid,
    EmailTaken,
    ExpiryInPast,
    LastOwner,
    PasswordRefused,
    RefreshTokenInvalid,
    ScopeNotHeld,
    TooManyLogins,
    UserNotFound,
)
from app.identity.keys import make_key
from app.identity.passwords import check_strength, hash_password
from app.identity.roles import ROLES
from app.identity.schemas import (
    ApiKey,
    ChangeUser,
    CreateApiKey,
    CreateUser,
    Me,
    MyApiKey,
    MyMerchant,
    MyUser,
    NewApiKey,
    PasswordGrant,
    RefreshTokens,
    Tokens,
    User,
)
from app.identity.tokens import ACCESS_SECONDS

router = APIRouter(prefix="/v1", tags=["identity"])

UserActor = Annotated[Actor, needs("users:write")]
KeyActor = Annotated[Actor, needs("keys:write")]


@router.post(
    "/auth/token",
    dependencies=[Depends(check_declared)],
    responses=problems(CredentialsInvalid, TooManyLogins),
)
async def create_token(form: Annotated[PasswordGrant, Form()], request: Request, database: DatabaseDep) -> Tokens:
    """Log in with e-mail and password: a short-lived access token and a refresh token.

    Five wrong passwords for one account from one address close the door for 15 minutes.
    """
    client = request.client.host if request.client else ""
    return _tokens(request, await signing_in.sign_in(database, form.username, form.password, client))


@router.post("/auth/refresh", dependencies=[Depends(check_declared)], responses=problems(RefreshTokenInvalid))
async def refresh_token(body: RefreshTokens, request: Request, database: DatabaseDep) -> Tokens:
    """Exchange a refresh token for the next pair. Each works once; a second use ends the whole session."""
    return _tokens(request, await signing_in.refresh(database, body.refresh_token))


def _tokens(request: Request, signed_in: signing_in.SignedIn) -> Tokens:
    return Tokens(
        access_token=request.app.state.access_tokens.issue(signed_in.claims),
        expires_in=ACCESS_SECONDS,
        refresh_token=str(signed_in.refresh_token),
        scope=" ".join(sorted(ROLES[signed_in.role])),
    )


@router.get("/me")
async def get_me(actor: Annotated[Actor, needs_login()], database: DatabaseDep) -> Me:
    """Who is calling, for which merchant, and what they may do."""
    user = None
    if actor.type == "user":
        user = MyUser.model_validate(await database.transact(repository.get_user, actor.merchant_id, actor.id))
    return Me(
        user=user,
        api_key=MyApiKey(id=actor.id, name=actor.name) if actor.type == "api_key" else None,
        merchant=MyMerchant(id=actor.merchant_id, name=actor.merchant_name),
        role=actor.role if actor.type == "user" else None,
        scopes=sorted(actor.scopes),
    )


@router.get("/users", responses=problems(CursorMismatch))
async def list_users(
    actor: UserActor, database: DatabaseDep, keyring: KeyringDep, limit: Limit = 50, cursor: CursorText = None
) -> Page[User]:
    """The merchant's users, oldest first, disabled ones too."""
    binding = binding_of(actor.merchant_id, "users", None)
    after = id_after(keyring.cursor_key, binding, cursor)
    rows = await database.transact(repository.list_users, actor.merchant_id, limit=limit + 1, after=after)
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[User.model_validate(row) for row in rows[:limit]], page=page)


@router.post("/users", status_code=201, responses=problems(EmailTaken, PasswordRefused))
async def create_user(body: CreateUser, actor: UserActor, database: DatabaseDep) -> User:
    """Let another person in, with a role."""
    check_strength(body.password, body.email)
    password_hash = await hash_password(body.password)
    user = await database.transact(
        service.create_user,
        actor.merchant_id,
        new_id(),
        email=body.email,
        name=body.name,
        role=body.role,
        password_hash=password_hash,
    )
    return User.model_validate(user)


@router.patch("/users/{user_id}", responses=problems(UserNotFound, LastOwner, PasswordRefused))
async def change_user(user_id: UserId, body: ChangeUser, actor: UserActor, database: DatabaseDep) -> User:
    """Change name, role or password, disable or enable. Takes effect with the user's next request."""
    password_hash = None
    if body.password is not None:
        user = await database.transact(repository.get_user, actor.merchant_id, user_id)
        check_strength(body.password, user.email)
        password_hash = await hash_password(body.password)
    changed = await database.transact(
        service.change_user,
        actor.merchant_id,
        user_id,
        name=body.name,
        role=body.role,
        disabled=body.disabled,
        password_hash=password_hash,
    )
    return User.model_validate(changed)


@router.delete("/users/{user_id}", status_code=204, responses=problems(UserNotFound, LastOwner))
async def disable_user(user_id: UserId, actor: UserActor, database: DatabaseDep) -> None:
    """Disable a user at once. History keeps the name; keys the user made stay valid until they are revoked."""
    await database.transact(service.change_user, actor.merchant_id, user_id, disabled=True)


@router.get("/api-keys", responses=problems(CursorMismatch))
async def list_api_keys(
    actor: KeyActor, database: DatabaseDep, keyring: KeyringDep, limit: Limit = 50, cursor: CursorText = None
) -> Page[ApiKey]:
    """The merchant's API keys, oldest first, revoked ones too. Secrets are never shown."""
    binding = binding_of(actor.merchant_id, "api-keys", None)
    after = id_after(keyring.cursor_key, binding, cursor)
    rows = await database.transact(repository.list_keys, actor.merchant_id, limit=limit + 1, after=after)
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[ApiKey.model_validate(row) for row in rows[:limit]], page=page)


@router.post("/api-keys", status_code=201, responses=problems(ScopeNotHeld, ExpiryInPast))
async def create_api_key(
    body: CreateApiKey, actor: KeyActor, database: DatabaseDep, settings: SettingsDep
) -> NewApiKey:
    """Make a key for a program. The answer shows it once."""
    text, key = make_key(settings.env)
    row = await database.transact(
        service.create_key,
        actor.merchant_id,
        key,
        name=body.name,
        scopes=body.scopes,
        held=actor.scopes,
        created_by=actor.id if actor.type == "user" else None,
        expires_at=body.expires_at,
    )
    return NewApiKey(key=text, **ApiKey.model_validate(row).model_dump())


@router.delete("/api-keys/{api_key_id}", status_code=204, responses=problems(ApiKeyNotFound))
async def revoke_api_key(api_key_id: ApiKeyId, actor: KeyActor, database: DatabaseDep) -> None:
    """Revoke a key at once. Doing it again changes nothing."""
    await database.transact(service.revoke_key, actor.merchant_id, api_key_id)
