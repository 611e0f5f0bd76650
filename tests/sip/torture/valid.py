"""RFC 4475 §3.1.1: messages that look broken and are not."""

from tests.sip.torture.text import SDP, spell

WSINV = spell(
    """\
INVITE sip:carol@switchboard.example.com;unknownparam SIP/2.0
TO :
 sip:carol@switchboard.example.com ;   tag    = to17
from   : "B. Goode \\\\\\""       <sip:bob@example.com>
  ;
  tag = from98
MaX-fOrWaRdS: 0068
Call-ID: wsinv.1@192.0.2.1
Content-Length   : {length}
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=nocookie
s :
NewFangledHeader:   a newfangled value
 which goes on
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bKws2  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bKws3
m:"Quoted string \\"\\"" <sip:bob@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""",
    SDP,
)
"""Every freedom at once: folds, white space round every separator, odd case, compact names between
long ones, leading zeros, an empty Subject, a Via of the old style, unknown headers and parameters.
"""

INTMETH = spell(
    """\
!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*\
:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\\\a NUL:\\\0 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*\
@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="чудо";\
tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:\ufeff大停電
Content-Length: 0
"""
)
"""Every character a token, a user part, a password, a quoted string, a Call-ID may hold."""

ESC01 = spell(
    """\
INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.1@192.0.2.3
CSeq: 234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKesc01
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: {length}
""",
    SDP,
)
"""Escapes that may not be decoded (the user is no URI), and may, but only once."""

ESCNULL = spell(
    """\
REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839
Max-Forwards: 70
Call-ID: escnull.1@192.0.2.4
CSeq: 1439 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKescnull
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0
"""
)
"""Escaped NULs, at which nothing may end: two users, two contacts."""

ESC02 = spell(
    """\
RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232
Max-Forwards: 70
Call-ID: esc02.1@192.0.2.5
Via: SIP/2.0/TCP host2.example.com;branch=z9hG4bKesc02
CSeq: 29344 RE%47IST%45R
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0
"""
)
"""Percent signs where they escape nothing: a method, a header name, a display name."""

LWSDISP = spell(
    """\
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1@192.0.2.6
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP ua6.example.com;branch=z9hG4bKlwsdisp
l: 0
"""
)
"""No white space between a display name and its bracket."""

_LONG = "long" * 40
_VIAS = "".join(
    [
        f"{'v' if number % 2 else 'Via'}: SIP/2.0/TCP sip{number}.example.com\n"
        for number in range(33, 11, -1)
    ]
)

LONGREQ = spell(
    f"""\
INVITE sip:user@example.com SIP/2.0
To: "A user whose name is {_LONG}" <sip:{_LONG}@example.com>
F: sip:{_LONG}@example.net;tag={_LONG}12{_LONG};unknownheaderparam{_LONG}={_LONG}\
;unknownValuelessparam{_LONG}
Call-ID: longreq.one{_LONG}@{_LONG}.example
CSeq: 3882340 INVITE
Unknown-{_LONG}-Name: unknown-{_LONG}-value; unknown-{_LONG}-parameter-name={_LONG}
Via: SIP/2.0/TCP sip34.example.com;branch=z9hG4bKaf{_LONG}
{_VIAS}Max-Forwards: 70
Contact: <sip:{_LONG}@host5.example.net;{_LONG}={_LONG}>
Content-Type: application/sdp
l: {{length}}
""",
    SDP,
)
"""Long values everywhere, and 23 Vias."""

DBLREQ = spell(
    """\
REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.1@192.0.2.8
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKdblreq
Content-Length: 0
"""
) + spell(
    """\

INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.2@192.0.2.8
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKdblreq2
Content-Type: application/sdp
Content-Length: {length}
""",
    SDP,
)
"""A REGISTER without a body, and behind it in the same datagram an INVITE."""

SEMIURI = spell(
    """\
OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.1@192.0.2.9
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsemiuri
l: 0
"""
)
"""A semicolon and an escaped ``@`` that belong to the user part."""

TRANSPORTS = spell(
    """\
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: transports.1@192.0.2.10
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKt1
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKt2
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bKt3
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKt4
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bKt5
l: 0
"""
)
"""Vias of every transport, one of them nobody knows."""

MPART01 = spell(
    """\
MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-mpart01--d87543-;rport
Max-Forwards: 70
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0
Call-ID: mpart01.1@192.0.2.11
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=7a9c
Content-Length: {length}
""",
    b"--7a9c\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b"\r\n"
    b"Hello\r\n"
    b"--7a9c\r\n"
    b"Content-Type: application/octet-stream\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b"\r\n" + bytes(range(256)) + b"\0\0\r\n\r\n\0\n\r"
    b"\r\n"
    b"--7a9c--\r\n",
)
"""A body in two parts, the second binary, with NULs and what looks like the end of a head."""

UNREASON = spell(
    """\
SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bKunreason
Call-ID: unreason.1@192.0.2.12
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: {length}
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>
""",
    SDP,
)
"""A reason phrase that is no phrase, and not even ASCII."""

NOREASON = spell(
    """\
SIP/2.0 100\x20
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bKnoreason
Call-ID: noreason.1@192.0.2.13
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>
"""
)
"""A reason phrase of no characters."""
