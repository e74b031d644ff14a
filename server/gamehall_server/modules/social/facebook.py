"""Facebook: a user's access token, judged by Facebook's own debug_token and shown to be of our app."""

import hashlib
import hmac

from gamehall_server.kit import clock
from gamehall_server.kit.egress import Egress
from gamehall_server.modules.configs import TEXT, BuiltIn, ConfigValues
from gamehall_server.modules.social.proof import NotProven, Presented, Profile, Proven, Told, ask, log, not_set_up, text_of

NAME, TITLE = "facebook", "Facebook"
APP_ID = BuiltIn("social.facebook.app_id", "The id of your Facebook app.", TEXT)
SECRET_KEY = BuiltIn("social.facebook.secret_key", "The secret of your Facebook app.", TEXT, secret=True)
BUILT_INS = (APP_ID, SECRET_KEY)
FIELDS = "id,name,first_name,last_name,email,picture.type(large)"


class Facebook:
    """Asks the Graph API at `url`, whose path ends with its version."""

    def __init__(self, egress: Egress, configs: ConfigValues, url: str) -> None:
        self._egress = egress
        self._configs = configs
        self._url = url.rstrip("/")

    async def prove(self, presented: Presented) -> Proven:
        app_id, secret = self._configs.value(APP_ID), self._configs.value(SECRET_KEY)
        if not app_id or not secret:
            raise not_set_up(TITLE, f"its configs are {APP_ID.name} and {SECRET_KEY.name}")
        token = presented.token
        debugged = await self._get("debug_token", input_token=token, access_token=f"{app_id}|{secret}")
        user_id = _user_of(debugged, app_id)
        # It shows that whoever asks has the app's secret: an app can refuse every other request.
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        me = await self._get("me", fields=FIELDS, access_token=token, appsecret_proof=proof)
        if not me.ok or me.text("id") != user_id:
            raise NotProven("Facebook does not know the user of this token.")
        return Proven(NAME, app_id, user_id, _profile(me))

    async def _get(self, path: str, **query: str) -> Told:
        return await ask(self._egress, TITLE, "GET", f"{self._url}/{path}", query=query)


def _user_of(debugged: Told, app_id: str) -> str:
    """Whose token it is. Raises NotProven unless it is a user's, of our app, and good now."""
    data = debugged.body.get("data")
    if not debugged.ok or not isinstance(data, dict):
        error = debugged.body.get("error")
        log.warning("Facebook refuses to judge a token: code %s", error.get("code") if isinstance(error, dict) else None)
        raise NotProven("Facebook does not accept this token.")
    if data.get("is_valid") is not True:
        raise NotProven("Facebook says that this token is not valid.")
    if str(data.get("app_id")) != app_id:
        raise NotProven("This token was given to another application.")
    if data.get("type") != "USER":
        raise NotProven("This is no user's token.")
    expires = data.get("expires_at")
    # 0 stands for never.
    if expires.__class__ is not int or (expires != 0 and expires <= clock.real_seconds()):
        raise NotProven("This token has expired.")
    user_id = text_of(data, "user_id")
    if not user_id.isdecimal() or len(user_id) > 64:
        raise NotProven("This is no user's token.")
    return user_id


def _profile(me: Told) -> Profile:
    picture = me.body.get("picture")
    data = picture.get("data") if isinstance(picture, dict) else None
    url = text_of(data, "url") if isinstance(data, dict) and not data.get("is_silhouette") else ""
    # Facebook tells addresses that it has made sure of, and no others.
    return Profile(
        me.text("email") or None, me.text("name") or None, me.text("first_name") or None, me.text("last_name") or None, url or None
    )
