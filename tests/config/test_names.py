"""Unknown names are answered with the right one, and Kamailio's with a word of their own."""

import pytest

from regcluster.config.fields import fields_in
from regcluster.config.names import DROPPED, unknown_key, unknown_section

KAMAILIO = """
    default_expires default_expires_range expires_range min_expires min_expires_mode max_expires
    default_q realm_prefix append_branches aor_avp case_sensitive received_avp received_param
    max_contacts retry_after sock_flag sock_hdr_name sock_mode method_filtering use_path path_mode
    path_use_received path_check_local reg_callid_avp xavp_cfg xavp_rcd xavp_rcd_mask gruu_enabled
    outbound_mode regid_mode flow_timer contact_max_size event_callback lookup_filter_mode
    use_expired_contacts
"""

OUR_OWN = """
    unknown_require missing_supported full_aor trust_contact_from expired_contacts rcd_shape
"""
"""Settings of [registrar] that Kamailio does not have."""


def test_each_of_kamailios_35_parameters_is_here_or_a_tombstone() -> None:
    """None is mistaken for a typing error; two are gone from Kamailio itself."""
    ours = [*[field.name for field in fields_in("registrar")], *DROPPED]

    assert sorted([*KAMAILIO.split(), *OUR_OWN.split()]) == sorted(ours)


@pytest.mark.parametrize(
    ("section", "name", "sentence"),
    [
        *[
            (
                "location",
                name,
                f"location.{name} is a Kamailio parameter this version does not have yet",
            )
            for name in ("handle_lost_tcp", "close_expired_tcp", "rm_expired_delay")
        ],
        (
            "registrar",
            "realm_pref",
            "registrar.realm_pref is called registrar.realm_prefix here",
        ),
        ("location", "preload", "location.preload is called location.tables here"),
        (
            "location",
            "db_mode",
            "location.db_mode has no meaning here: bindings live in Redis, see store.url",
        ),
        *[
            (
                "location",
                name,
                f"location.{name} has no meaning here: bindings live in Redis, see store.url",
            )
            for name in ("hash_size", "timer_interval", "db_url", "user_column")
        ],
        ("location", "ka_domain", "location.ka_domain: this version does not ping phones"),
        ("listen", "tls", "listen.tls is still to come; this version does not have it yet"),
        (
            "registrar",
            "aor_avp",
            "registrar.aor_avp: Kamailio itself has dropped this parameter; "
            "name the AOR with the uri argument of save() and lookup()",
        ),
        (
            "registrar",
            "reg_callid_avp",
            "registrar.reg_callid_avp: Kamailio itself has dropped this parameter; "
            "match the Call-ID with option 1 of registered()",
        ),
    ],
)
def test_a_kamailio_parameter_without_a_counterpart_is_told_why(
    section: str, name: str, sentence: str
) -> None:
    """Someone who moves from Kamailio is not told that they mistyped."""
    assert sentence == unknown_key(section, name)


@pytest.mark.parametrize(
    ("section", "name", "hint"),
    [
        ("registrar", "max_contact", "did you mean registrar.max_contacts?"),
        ("registrar", "Max-Contacts", "did you mean registrar.max_contacts?"),
        ("registrar", "use_domain", "did you mean location.use_domain?"),
        ("log", "listen", "did you mean http.listen?"),
        ("log", "zzz", "[log] has level, format"),
    ],
)
def test_an_unknown_key_is_answered_with_the_closest_right_one(
    section: str, name: str, hint: str
) -> None:
    """The same name in another section beats a similar one in this."""
    assert f"{section}.{name} is not a setting; {hint}" == unknown_key(section, name)


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ("registar", "did you mean [registrar]?"),
        ("Store", "did you mean [store]?"),
        (
            "xyz",
            "there are node, listen, store, registrar, location, routing, http, limits, log",
        ),
    ],
)
def test_an_unknown_section_is_answered_with_the_closest_right_one(section: str, hint: str) -> None:
    """Or with all there are, when none is close."""
    assert f"there is no section [{section}]; {hint}" == unknown_section(section)
