"""What cancelling an order, or answering a buyer, is refused for."""

from app.core.errors import Conflict, Invalid


class NoOpenCancellation(Conflict):
    """Nobody asked."""

    code = "no_open_cancellation"
    title = "No open cancellation request"
    en = "The buyer has not asked to cancel this order."
    id = "Pembeli tidak meminta pembatalan pesanan ini."


class AlreadyAnswered(Conflict):
    """Somebody answered before, here or in the seller centre."""

    code = "already_answered"
    title = "Already answered"
    en = "The buyer's request is {state} already."
    id = "Permintaan pembeli sudah dijawab: {state}."


class DeadlinePassed(Conflict):
    """Too late: the channel decides by itself."""

    code = "deadline_passed"
    title = "Deadline passed"
    en = "The time to answer ended at {respond_by}; the channel decides now. Read the order again with `sync`."
    id = "Batas jawaban berakhir {respond_by}; kanal yang memutuskan. Baca ulang pesanan dengan `sync`."


class NotCancellable(Conflict):
    """The order's state does not allow it."""

    code = "not_cancellable"
    title = "Cannot be cancelled"
    en = "The order cannot be cancelled: {reason}"
    id = "Pesanan tidak dapat dibatalkan: {reason}"


class ReasonNotAccepted(Invalid):
    """A reason of another channel, or none at all."""

    code = "reason_not_accepted"
    title = "Reason not accepted"
    en = "This channel takes one of: {reasons}."
    id = "Kanal ini menerima salah satu dari: {reasons}."


class CancellingUnsupported(Conflict):
    """The channel has no such call."""

    code = "not_supported"
    title = "Not supported by the channel"
    en = "Orders of this channel are cancelled in its seller centre only."
    id = "Pesanan kanal ini hanya dapat dibatalkan di pusat penjualnya."
