"""Consent, tokens and the shops they open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.channels import references
from app.channels.contract import Authorises, Tokens
from app.channels.errors import Rejected, Unauthorized, Unknown
from tests.connectors.contract.stand import Stand, raised

NUMBER_THEIR_ANSWERS = ("shopee", "lazada", "tiktok_shop", "tokopedia")


def authoriser(stand: Stand) -> Authorises:
    assert isinstance(stand.connector, Authorises)
    return stand.connector


def has_rotation(tokens: Tokens) -> bool:
    """Keys of a store never expire and are never renewed."""
    return bool(tokens.refresh_token)


async def test_consent_opens_the_shop(stand: Stand) -> None:
    account = await authoriser(stand).fetch_account(stand.access)

    assert account.external_id == stand.access.external_id
    assert [shop.channel for shop in account.shops if shop.channel == stand.channel] == [stand.channel]
    assert all("Toko Uji" in shop.name for shop in account.shops)
    assert stand.granted.tokens.access_expires_at > await stand.now() + timedelta(minutes=30)


async def test_a_consent_that_was_never_given_is_refused(stand: Stand) -> None:
    callback = {"code": "made-up", "shop_id": stand.shop_id, "store_url": stand.described.get("base_url", "")}

    assert isinstance(await raised(authoriser(stand).exchange(callback)), Rejected | Unauthorized)


async def test_tokens_rotate_and_the_old_ones_end(stand: Stand) -> None:
    tokens = stand.granted.tokens
    if not has_rotation(tokens):
        error = await raised(authoriser(stand).refresh(stand.access.external_id, tokens))
        assert isinstance(error, Unauthorized) and error.is_final
        return

    fresh = await authoriser(stand).refresh(stand.access.external_id, tokens)

    assert fresh.access_token != tokens.access_token
    account = await authoriser(stand).fetch_account(replace(stand.access, access_token=fresh.access_token))
    assert account.external_id == stand.access.external_id
    assert await stand.effects("token_refresh") >= 1


async def test_a_token_nobody_gave_asks_for_a_refresh(stand: Stand) -> None:
    with references.hearing() as heard:
        error = await raised(authoriser(stand).fetch_account(replace(stand.access, access_token="never:issued")))

    assert isinstance(error, Unauthorized)
    assert bool(heard.reference) is (stand.channel in NUMBER_THEIR_ANSWERS), "what their support wants to know"


async def test_a_refresh_token_nobody_gave_needs_the_seller(stand: Stand) -> None:
    dead = replace(stand.granted.tokens, refresh_token="never-issued")

    error = await raised(authoriser(stand).refresh(stand.access.external_id, dead))

    assert isinstance(error, Unauthorized) and error.is_final


async def test_a_rotation_whose_answer_is_lost_is_unknown(stand: Stand) -> None:
    if not has_rotation(stand.granted.tokens):
        pytest.skip("never renewed")
    await stand.fault("token_refresh", "rotate_then_drop")

    assert isinstance(await raised(authoriser(stand).refresh(stand.access.external_id, stand.granted.tokens)), Unknown)


async def test_a_token_revoked_in_the_middle_is_unauthorized(stand: Stand) -> None:
    [number] = await stand.place()
    [external_id] = await stand.ids([number])
    await stand.fault("get_order", "revoke_token")

    assert isinstance(await raised(stand.connector.get_orders(stand.access, [external_id])), Unauthorized)
