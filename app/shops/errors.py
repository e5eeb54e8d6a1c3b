"""What can be wrong with connecting and keeping shops."""

from typing import ClassVar

from app.core.errors import BadRequest, Conflict, DomainError, Invalid, Unavailable


class ChannelUnknown(Invalid):
    """No configured channel of this name can be connected by consent."""

    en = "`{channel}` is not a channel that can be connected here. `GET /v1/channels` lists them."
    id = "`{channel}` bukan kanal yang dapat dihubungkan di sini. Lihat daftarnya di `GET /v1/channels`."


class ReturnUrlNotAllowed(Invalid):
    """After consent we redirect to listed places only."""

    title = "Return URL not allowed"
    en = "`return_url` must begin with this service's own URL or one listed in PLUGOSYNC_RETURN_URLS."
    id = "`return_url` harus diawali URL layanan ini atau salah satu yang terdaftar di PLUGOSYNC_RETURN_URLS."


class StoreUrlNeeded(Invalid):
    """A shop on a server of its own must be found first."""

    en = "Shops of this channel stand on servers of their own: give the store's address as `store_url`."
    id = "Toko kanal ini berada di server masing-masing: isi alamat toko di `store_url`."


class StoreUrlNotWanted(Invalid):
    """Only for shops on servers of their own."""

    en = "`store_url` and keys are for channels whose shops stand on servers of their own. Leave them out."
    id = "`store_url` dan kunci hanya untuk kanal yang tokonya berada di server masing-masing. Hapus isian itu."


class InvalidStoreUrl(Invalid):
    """No public https address."""

    code = "invalid_store_url"
    title = "Store address not usable"
    en = "`store_url` must be the store's public https address, such as `https://shop.example.id`."
    id = "`store_url` harus alamat https publik toko, misalnya `https://toko.example.id`."


class StoreNotFound(Invalid):
    """Nothing there speaks the channel's language."""

    code = "store_not_found"
    title = "No store at this address"
    en = "No store API answers at `store_url`. Check the address, and that the store's REST API is switched on."
    id = "Tidak ada API toko di `store_url`. Periksa alamatnya dan pastikan REST API toko aktif."


class KeysNeeded(Invalid):
    """Half a pair opens nothing; without any pair there must be a way back from the consent page."""

    en = "Give either `return_url`, to be asked at the store, or both `consumer_key` and `consumer_secret`."
    id = "Isi `return_url` untuk meminta persetujuan di toko, atau isi `consumer_key` dan `consumer_secret` sekaligus."


class KeysRefused(Invalid):
    """The store does not know this pair."""

    code = "keys_refused"
    title = "The store refused the keys"
    en = "The store refused `consumer_key` and `consumer_secret`: {reason} Make a new pair with read/write access."
    id = "Toko menolak `consumer_key` dan `consumer_secret`: {reason} Buat pasangan baru dengan akses baca/tulis."


class InvalidStateToken(BadRequest):
    """Unknown, used, expired or somebody else's: one answer for all."""

    code = "invalid_state_token"
    title = "Consent not valid"
    en = "This consent is unknown, used, expired or somebody else's. Start again with a new authorization URL."
    id = "Persetujuan ini tidak dikenal, sudah dipakai, kedaluwarsa, atau milik orang lain. Mulai lagi dengan URL baru."


class ConsentMissing(Conflict):
    """Confirmed before the channel sent the browser back."""

    title = "Consent not given yet"
    en = "The channel has not sent the consent yet. Open `authorization_url`, agree there, then confirm."
    id = "Kanal belum mengirim persetujuan. Buka `authorization_url`, setujui di sana, lalu konfirmasi."


class ConsentRefused(Conflict):
    """The seller said no, or what came back opens nothing."""

    code = "consent_refused"
    title = "Consent not given"
    en = "{channel} gave no consent: {reason} Start a new one and agree there."
    id = "{channel} tidak memberi persetujuan: {reason} Mulai yang baru dan setujui di sana."


class Disconnected(Conflict):
    """A disconnected connection stays as history."""

    title = "Connection is disconnected"
    en = "This connection was disconnected. Connect the shop anew; its orders are still here."
    id = "Koneksi ini sudah diputus. Hubungkan ulang toko tersebut; pesanannya masih tersimpan."


class ShopAlreadyConnected(Conflict):
    """One merchant per shop. Which one is nobody's business."""

    code = "shop_already_connected"
    title = "Shop already connected"
    en = "This shop is already connected elsewhere. It must be disconnected there first."
    id = "Toko ini sudah terhubung di tempat lain. Putuskan dulu koneksinya di sana."


class OtherShopConsented(Conflict):
    """Re-authorisation must be for a shop of this connection."""

    code = "other_shop_consented"
    title = "Consent for another shop"
    en = "The consent was given for another shop than this connection's. Sign in to the right shop, or connect it anew."
    id = (
        "Persetujuan diberikan untuk toko lain. Masuk ke toko yang benar, atau hubungkan toko itu sebagai koneksi baru."
    )


class ConfirmationBusy(DomainError):
    """Another confirmation of the same connection takes long."""

    status = 503
    code = "unavailable"
    title = "Confirmation running"
    en = "This connection is being confirmed right now. Ask again in a moment."
    id = "Koneksi ini sedang dikonfirmasi. Coba lagi sebentar."
    retryable = True
    retry_after_seconds = 2


class ChannelFailed(DomainError):
    """The channel did not trade the consent for tokens."""

    status: ClassVar[int] = 502
    code = "channel_error"
    title = "The channel did not complete the connection"
    en = "The channel answered: {reason}. Confirm again; if that does not help, start a new consent."
    id = "Kanal menjawab: {reason}. Konfirmasi ulang; jika gagal lagi, mulai persetujuan baru."
    retryable = True


class ChannelAway(Unavailable):
    """The channel cannot be asked now."""

    code = "channel_unavailable"
    title = "Channel unavailable"
    en = "The channel cannot be asked right now. Try again in a moment."
    id = "Kanal sedang tidak dapat dihubungi. Coba lagi sebentar lagi."


class TimezoneUnknown(Invalid):
    """Not in the IANA database."""

    en = "`{timezone}` is not a time zone of the IANA database, such as `Asia/Jakarta`."
    id = "`{timezone}` bukan zona waktu dalam basis data IANA, misalnya `Asia/Jakarta`."


class AutoReceiveInvalid(Invalid):
    """Minutes without a mode that counts them, or the other way round."""

    en = "`value` is needed with `after_minutes` (minutes) and `before_deadline` (hours), and only with them."
    id = "`value` wajib diisi untuk `after_minutes` (menit) dan `before_deadline` (jam), dan hanya untuk keduanya."
