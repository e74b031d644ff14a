"""Social sign-in: accounts with other providers, as the guide describes them. The providers are a twin that speaks over real HTTP."""

import pytest
from people import fresh

from tests.modules.oauth import me
from tests.modules.providers import twin
from tests.modules.signing_in import signed_in_with

pytestmark = pytest.mark.usefixtures("facebook_and_google")


@pytest.mark.parametrize("provider, first_token", [("facebook", lambda: twin().facebook_token), ("google", lambda: twin().google.token)])
def test_an_unknown_account_makes_a_user_who_comes_back(world, provider, first_token):
    person = "10000000000000777" if provider == "facebook" else None
    claims = {"person": fresh("9").replace("x", "0")} if provider == "facebook" else {"sub": fresh("subject")}
    assert person is None or claims
    tokens = [first_token()(**claims) for _ in range(2)]

    first, again = (signed_in_with(world, provider, token) for token in tokens)

    assert first.id == again.id
    assert me(world, first.token).json() == {"client_id": "web", "roles": ["ROLE_USER"], "user_id": first.id}
    user = first.get("/users/me").json()
    assert user["username"].startswith(f"{provider}-")
    assert user["display_name"] in ("Lee Fox", "Kim Möller")
    assert (user["first_name"], user["last_name"]) in (("Lee", "Fox"), ("Kim", "Möller"))
    assert user["avatar_url"].startswith("https://pictures.example.com/")
    assert user["email"].endswith("@example.com")
