"""What Shopee prints on a shipping label."""

from app.sandbox.engine.papers import Label
from app.sandbox.shopee.orders import mask
from app.sandbox.shopee.world import Order, Package


def to_label(sender: str, order: Order, package: Package) -> Label:
    """The recipient is masked, as it is in the API."""
    recipient = mask(order["recipient"])
    lines = {(item["item_id"], item["model_id"]): item for item in order["item_list"]}
    return Label(
        title="Shopee",
        courier=package["shipping_carrier"],
        tracking_number=package["tracking_number"],
        order_number=order["order_sn"],
        package_number=package["package_number"],
        recipient=(
            recipient["name"],
            f"Telp {recipient['phone']}",
            recipient["full_address"],
            f"{recipient['district']}, {recipient['city']}",
            f"{recipient['state']} {recipient['zipcode']}",
        ),
        sender=sender,
        cod_amount=order["total_amount"] if order["cod"] else None,
        lines=tuple(
            _describe(lines[item["item_id"], item["model_id"]], item["model_quantity"]) for item in package["items"]
        ),
    )


def _describe(line: dict[str, str], quantity: int) -> str:
    variant = f" ({line['model_name']})" if line["model_name"] else ""
    return f"{quantity} x {line['item_name']}{variant} {line['model_sku'] or line['item_sku']}"
