"""Indonesia's provinces by the codes of WooCommerce's list (`i18n/states.php`)."""

_NAMES = {
    "AC": "Aceh",
    "BA": "Bali",
    "BB": "Bangka Belitung",
    "BE": "Bengkulu",
    "BT": "Banten",
    "GO": "Gorontalo",
    "JA": "Jambi",
    "JB": "Jawa Barat",
    "JI": "Jawa Timur",
    "JK": "DKI Jakarta",
    "JT": "Jawa Tengah",
    "KB": "Kalimantan Barat",
    "KI": "Kalimantan Timur",
    "KR": "Kepulauan Riau",
    "KS": "Kalimantan Selatan",
    "KT": "Kalimantan Tengah",
    "KU": "Kalimantan Utara",
    "LA": "Lampung",
    "MA": "Maluku",
    "MU": "Maluku Utara",
    "NB": "Nusa Tenggara Barat",
    "NT": "Nusa Tenggara Timur",
    "PA": "Papua",
    "PB": "Papua Barat",
    "RI": "Riau",
    "SA": "Sulawesi Utara",
    "SB": "Sumatera Barat",
    "SG": "Sulawesi Tenggara",
    "SN": "Sulawesi Selatan",
    "SR": "Sulawesi Barat",
    "SS": "Sumatera Selatan",
    "ST": "Sulawesi Tengah",
    "SU": "Sumatera Utara",
    "YO": "DI Yogyakarta",
}


def name_of(state: str, country: str) -> str:
    """The province's name; what is no code of Indonesia's stays as the shop wrote it."""
    return _NAMES.get(state, state) if country in ("ID", "") else state
