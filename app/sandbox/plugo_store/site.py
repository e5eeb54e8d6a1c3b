"""What a site says of itself."""

from starlette.responses import Response

from app.sandbox.plugo_store.answers import success
from app.sandbox.plugo_store.calls import Spec, StoreCall
from app.sandbox.plugo_store.diary import PLUGIN
from app.sandbox.plugo_store.world import VERSION, World


class Site:
    """Index, settings and status."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs = (
            Spec(("GET",), "", "get_site", self.index, "public", ""),
            Spec(("GET",), "", "get_site", self.namespace, "public"),
            Spec(("GET",), "settings/general", "get_settings", self.settings, "list"),
            Spec(("GET",), "system_status", "get_settings", self.status, "view"),
        )

    def index(self, call: StoreCall) -> Response:
        switches, url = self.world.switches(call.shop), self.world.site_url(call.shop)
        plugins = [PLUGIN] if switches.has_shipment_tracking else []
        return success(
            {
                "name": call.shop["name"],
                "description": "",
                "url": url,
                "home": url,
                "gmt_offset": str(switches.gmt_offset),
                "timezone_string": switches.time_zone,
                "namespaces": ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", *plugins, "wp/v2"],
                "authentication": {},
                "routes": {},
            }
        )

    def namespace(self, call: StoreCall) -> Response:
        return success({"namespace": "wc/v3", "routes": {}})

    def settings(self, call: StoreCall) -> Response:
        values = {
            "woocommerce_store_city": "Jakarta Selatan",
            "woocommerce_default_country": "ID:JK",
            "woocommerce_currency": "IDR",
            "woocommerce_price_num_decimals": str(self.world.switches(call.shop).decimals),
        }
        return success([{"id": name, "value": value, "default": "", "type": "text"} for name, value in values.items()])

    def status(self, call: StoreCall) -> Response:
        switches = self.world.switches(call.shop)
        return success(
            {
                "environment": {"version": VERSION, "wp_version": "6.9", "default_timezone": "UTC"},
                "settings": {"currency": "IDR", "currency_symbol": "Rp", "number_of_decimals": switches.decimals},
                "active_plugins": [],
            }
        )
