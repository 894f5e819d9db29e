"""`/api/v1/signals`: what chimes and sirens there are, what each means, how it sounds."""

from fastapi import APIRouter
from fastapi.responses import FileResponse

from audio.signals import Signal
from controller.accounts.access import READS, ViewerDep
from controller.http.route import RuntimeDep, TransactionRoute
from controller.signals.schemas import SignalOut, SignalsOut
from controller.signals.service import MEDIA_TYPE, auditions_of

router = APIRouter(prefix="/api/v1/signals", tags=["signals"], route_class=TransactionRoute)


@router.get(
    "", operation_id="listSignals", summary="Chimes, test signals and sirens, and what each means", dependencies=[READS]
)
async def list_signals(_viewer: ViewerDep) -> SignalsOut:
    """Answer all signals: those for any programme, then tests, then sirens."""
    return SignalsOut(items=[SignalOut.of(kind) for kind in Signal])


@router.get(
    "/{kind}.opus",
    operation_id="hearSignal",
    summary="How a signal sounds",
    response_class=FileResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}}},
    dependencies=[READS],
)
async def hear_signal(kind: Signal, runtime: RuntimeDep, _viewer: ViewerDep) -> FileResponse:
    """Answer the sound, as loud as speakers play it."""
    path = await auditions_of(runtime).file(kind)
    return FileResponse(path, media_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=3600"})
