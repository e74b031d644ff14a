"""Addresses to send files to and to read them at."""

from gamehall.files.v1 import uploads_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, real_micros
from gamehall_server.kit.errors import Invalid
from gamehall_server.modules.files.place import Place

SOON = 60
SENT_BY = "PUT"


class Uploads:
    """gamehall.files.v1.UploadService."""

    service = pb.DESCRIPTOR.services_by_name["UploadService"]

    def __init__(self, place: Place) -> None:
        self._place = place

    async def GetUploadURL(self, request: pb.GetUploadURLRequest, call: Call) -> pb.GetUploadURLResponse:
        if not self._place.takes(request.content_type):
            raise Invalid(f"must be one of: {', '.join(self._place.types)}", field="content_type")
        now, key = real_micros(), self._place.key(request.filename)
        upload = pb.Upload(id=now, action=SENT_BY, filename=request.filename, object_key=key, created_date=now // SECOND)
        upload.url, upload.cdn_url = self._place.to_send(key, request.content_type, now // SECOND), self._place.at(key)
        if call.user_id is not None:
            upload.user_id = call.user_id
        return pb.GetUploadURLResponse(upload=upload)

    async def GetDownloadURL(self, request: pb.GetDownloadURLRequest, call: Call) -> pb.GetDownloadURLResponse:
        seconds, now = request.expiration or SOON, real_micros() // SECOND
        return pb.GetDownloadURLResponse(url=self._place.to_read(request.bucket, request.path, seconds, now))
