# SPDX-License-Identifier: Apache-2.0
"""Sign-in by WeChat over stores that fail at every single op: 503, and nobody becomes two users or another."""
import pytest

from fakes.wechat import Person
from faulty import OPTIONS as FAULTY
from faulty import each_op_in_turn
from harness import sign_in
from steps import rows, user_id
from trips import OPTIONS
from wechat_server import (BIND, UNBIND, Opener, conf_of, fake, mini_code, phone_of, sign_in_by_mini,
                           sign_in_by_phone, verify_path)

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
              pytest.mark.one_host(reason="a fault is told to the host of one state folder")]


@pytest.fixture
def server(make_server, plugins, fake):
    return make_server(*FAULTY, *OPTIONS, workers=1, plugins=str(plugins), conf=conf_of(fake))


def is_right(answer, fault, right=200):
    """Whether it was right; all else than 503 would be a wrong answer."""
    assert answer.status_code in (right, 503), f"{fault}: {answer.status_code} {answer.text}"
    return answer.status_code == right


def users_of(server, person):
    return {row[0] for row in rows(server, "SELECT user_id FROM user_identities WHERE subject LIKE ?",
                                   f"%{person.mark}")}


def n_rows(server, person, account_id):
    """How many rows of the person are the account's, and how many there are."""
    return rows(server, "SELECT COUNT(CASE WHEN uid = ? THEN 1 END), COUNT(*) FROM wechat_users"
                " WHERE openid LIKE ?", account_id, f"%{person.mark}")[0]


def test_a_first_sign_in_is_whole_or_not_there(server, fake):
    for fault in each_op_in_turn(server):
        person = Person()
        with fault:
            is_right(server.client().post(verify_path("mini1"), {"js_code": mini_code(fake, "mini1", person)}),
                     fault)
        found = users_of(server, person)
        assert len(found) <= 1, fault
        again = user_id(sign_in_by_mini(server, fake, person))
        assert users_of(server, person) == {again} and found <= {again}, fault
        assert n_rows(server, person, again) == (1, 1), fault


def test_a_scan_and_a_tap_count_once_or_not_at_all(server, fake):
    for fault in each_op_in_turn(server):
        opener, phone = Opener(server), phone_of(server, fake)
        with fault:
            page = phone.scan(opener.scan_url())
        if not is_right(page, fault):
            assert opener.verify().json()["data"]["status"] in ("pending", "scanned"), fault
            continue
        with fault:
            is_right(phone.tap("confirm"), fault)
        answer = opener.verify()
        assert answer.status_code == 200, f"{fault}: {answer.text}"
        has_tokens = "access_token" in answer.json()["data"]
        assert len(users_of(server, phone.person)) == has_tokens, fault


def test_a_binding_and_its_end_are_whole(server, fake):
    for fault in each_op_in_turn(server):
        who, person = sign_in(server), Person()
        opener, phone = Opener(server, who, purpose="bind"), phone_of(server, fake, person)
        phone.scan(opener.scan_url())
        phone.tap("confirm")
        with fault:
            first = is_right(who.post(BIND, {"session_id": opener.flow_id}), fault)
        owners = users_of(server, person)
        assert owners == {user_id(who)} if first else owners <= {user_id(who)}, fault
        assert n_rows(server, person, user_id(who))[0] == len(owners), fault
        if not owners:
            continue
        with fault:
            first = is_right(who.post(UNBIND), fault)
        assert not first or users_of(server, person) == set(), fault
        assert n_rows(server, person, user_id(who))[0] == len(users_of(server, person)), fault
    assert user_id(sign_in_by_phone(server, fake, person)) in users_of(server, person)
