"""Who buys, where people live and what is sold: the vocabulary every simulator generates its world from."""

from dataclasses import dataclass

FIRST_NAMES = (
    "Budi", "Siti", "Agus", "Dewi", "Rina", "Andi", "Putri", "Joko", "Wulan", "Hendra", "Ayu", "Rizky", "Nadia",
    "Fajar",
)  # fmt: skip
LAST_NAMES = (
    "Santoso", "Wijaya", "Lestari", "Pratama", "Saputra", "Hidayat", "Kusuma", "Nugroho", "Siregar", "Halim",
)  # fmt: skip
STREETS = ("Kenanga", "Melati", "Anggrek", "Merdeka", "Diponegoro", "Dago", "Ahmad Yani", "Gatot Subroto")
NOTES = ("", "", "", "Tolong dibungkus rapi ya kak", "Kirim secepatnya ya, untuk kado")
FEES = (9_000, 12_000, 15_000, 18_500)


@dataclass(frozen=True)
class Place:
    """A district with its town, province and postcode."""

    city: str
    state: str
    district: str
    zipcode: str


PLACES = (
    Place("KOTA BANDUNG", "JAWA BARAT", "Coblong", "40132"),
    Place("KOTA JAKARTA SELATAN", "DKI JAKARTA", "Kebayoran Baru", "12110"),
    Place("KOTA SURABAYA", "JAWA TIMUR", "Gubeng", "60281"),
    Place("KOTA YOGYAKARTA", "DI YOGYAKARTA", "Umbulharjo", "55161"),
    Place("KOTA MEDAN", "SUMATERA UTARA", "Medan Petisah", "20112"),
    Place("KOTA MAKASSAR", "SULAWESI SELATAN", "Panakkukang", "90231"),
    Place("KOTA DENPASAR", "BALI", "Denpasar Selatan", "80221"),
)


@dataclass(frozen=True)
class Product:
    """`variants`: name and SKU suffix each; none is an item without models."""

    name: str
    sku: str
    price: int
    weight: float
    variants: tuple[tuple[str, str], ...]


PRODUCTS = (
    Product(
        "Kaos Polos Katun Premium", "KAOS", 55_000, 0.2,
        (("Hitam,L", "HITAM-L"), ("Putih,M", "PUTIH-M"), ("Merah,XL", "MERAH-XL"), ("Navy,S", "NAVY-S")),
    ),
    Product(
        "Batik Pria Lengan Panjang", "BATIK", 185_000, 0.35,
        (("Mega Mendung,L", "MEGA-L"), ("Parang,M", "PARANG-M"), ("Kawung,XL", "KAWUNG-XL")),
    ),
    Product("Kopi Arabika Gayo 250g", "KOPI", 78_000, 0.25, (("Biji", "BIJI"), ("Bubuk", "BUBUK"))),
    Product("Sambal Bawang Bu Rudi", "SAMBAL", 32_000, 0.3, (("Pedas", "PEDAS"), ("Extra Pedas", "EXTRA"))),
    Product("Tas Rotan Bali", "ROTAN", 145_000, 0.5, (("Bulat", "BULAT"), ("Kotak", "KOTAK"))),
    Product(
        "Hijab Voal Segi Empat", "HIJAB", 39_000, 0.15,
        (("Dusty Pink", "PINK"), ("Sage", "SAGE"), ("Navy", "NAVY"), ("Mocca", "MOCCA")),
    ),
    Product("Sandal Kulit Garut", "SANDAL", 120_000, 0.6, (("41", "41"), ("42", "42"), ("43", "43"))),
    Product("Keripik Tempe Malang 200g", "TEMPE", 24_000, 0.2, ()),
)  # fmt: skip
