"""Shopee's four document calls in the right order, and which document type to name without keeping state."""

from collections.abc import Mapping, Sequence

from app.channels import decoding
from app.channels.contract import LabelStatus, PackageRef, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected, Unavailable, Unknown
from app.connectors.shopee import failures, wire
from app.connectors.shopee.client import Answer, Client, Json
from app.connectors.shopee.mapping import labels
from app.connectors.shopee.mapping.shipping import package_query

PATH = "/api/v2/logistics/"
NOT_YET_SECONDS = 5.0
# The codes of a question about another type than the one the task was created with.
_WRONG_TYPE = ("shipping_document_should_print_first", "shipping_document_type_invalid")


async def request(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> dict[str, LabelStatus]:
    """Ask for the types, then start the tasks. Repeatable."""
    types, statuses = await _types(client, access, packages)
    wanted = [package for package in packages if package.package_number in types]
    if not wanted:
        return statuses
    elements = [labels.document_element(package, types[package.package_number], is_creating=True) for package in wanted]
    await client.reserve(access)
    try:
        answer = await client.write(PATH + "create_shipping_document", access, {"order_list": elements})
        results = labels.by_package(wanted, _results(answer))
    except (Unknown, Malformed):
        results = {}  # the tasks may have been started: polling tells
    except Rejected as error:
        return {**statuses, **{p.package_number: labels.failed(p.package_number, error.code) for p in wanted}}
    return {**statuses, **{p.package_number: labels.created_status(p.package_number, results) for p in wanted}}


async def poll(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> dict[str, LabelStatus]:
    """First under the usual type; only those that deny it are asked for their own type."""
    usual = {package.package_number: labels.USUAL_TYPE for package in packages}
    statuses = await _poll(client, access, packages, usual)
    doubtful = [package for package in packages if _is_wrong_type(statuses[package.package_number].channel_code)]
    types, refused = await _types(client, access, doubtful) if doubtful else ({}, {})
    others = [p for p in doubtful if types.get(p.package_number, labels.USUAL_TYPE) != labels.USUAL_TYPE]
    return {**statuses, **refused, **(await _poll(client, access, others, types) if others else {})}


async def fetch(client: Client, access: ShopAccess, package: PackageRef) -> bytes:
    """The PDF of one package."""
    try:
        try:
            return await _download(client, access, package, labels.USUAL_TYPE)
        except Rejected as error:
            if not _is_wrong_type(error.code):
                raise
            types, refused = await _types(client, access, [package])
            document_type = types.get(package.package_number, labels.USUAL_TYPE)
            if refused or document_type == labels.USUAL_TYPE:
                raise
        return await _download(client, access, package, document_type)
    except Rejected as error:
        raise _label_error(error) from error


async def _download(client: Client, access: ShopAccess, package: PackageRef, document_type: str) -> bytes:
    body = {"shipping_document_type": document_type, "order_list": [package_query(package)]}
    answer = await client.read(PATH + "download_shipping_document", access, body=body, is_file=True)
    if answer.payload:
        raise _refusal(answer)
    return labels.pdf_of(answer.body)


def _refusal(answer: Answer) -> ChannelError:
    """The failure of the only package in a JSON answer, sent with HTTP 200 in place of a file."""
    for result in _results(answer).result_list:
        if result.fail_error.strip():
            return Rejected(failures.clean(result.fail_error), result.fail_message)
    return Malformed("not_a_pdf", "JSON without an error in place of a label.")


def _label_error(error: Rejected) -> ChannelError:
    meaning = failures.explain_label(error.code)
    if meaning == "label_not_ready":
        return Unavailable(error.code, error.reason, retry_after=NOT_YET_SECONDS)
    return Rejected(error.code, error.reason, meaning=meaning)


async def _types(
    client: Client, access: ShopAccess, packages: Sequence[PackageRef]
) -> tuple[dict[str, str], dict[str, LabelStatus]]:
    """The document type of each package, and the failures of those that have none (yet)."""
    body = {"order_list": [package_query(package) for package in packages]}
    results = await _read_results(client, access, "get_shipping_document_parameter", packages, body)
    types: dict[str, str] = {}
    refused: dict[str, LabelStatus] = {}
    for package in packages:
        number = package.package_number
        result = results.get(number)
        if result is None:
            refused[number] = LabelStatus(number, "failed", "label_not_ready", "no_answer")
        elif result.fail_error.strip():
            refused[number] = labels.failed(number, result.fail_error)
        else:
            types[number] = labels.choose_type(result)
    return types, refused


async def _poll(
    client: Client, access: ShopAccess, packages: Sequence[PackageRef], types: Mapping[str, str]
) -> dict[str, LabelStatus]:
    elements = [labels.document_element(package, types[package.package_number]) for package in packages]
    body: Json = {"order_list": elements}
    results = await _read_results(client, access, "get_shipping_document_result", packages, body)
    return {p.package_number: labels.polled_status(p.package_number, results) for p in packages}


async def _read_results(
    client: Client, access: ShopAccess, call: str, packages: Sequence[PackageRef], body: Json
) -> dict[str, wire.DocumentResult]:
    return labels.by_package(packages, _results(await client.read(PATH + call, access, body=body)))


def _results(answer: Answer) -> wire.DocumentResults:
    return decoding.read_answer(wire.DocumentResults, answer.response)


def _is_wrong_type(channel_code: str | None) -> bool:
    return channel_code is not None and failures.bare(channel_code) in _WRONG_TYPE
