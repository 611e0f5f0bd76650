"""A script in the shape that Kamailio's Python scripts have; only its import is another one.

Settings: ``received_avp = "$avp(rcv)"``.
"""

from regcluster.route.kemi import KSR

FLT_NATS = 5
FLB_NATB = 6


def mod_init():
    KSR.info("===== from Python mod init\n")
    return Script()


class Script:
    def child_init(self, rank):
        KSR.info(f"===== child_init({rank})\n")
        return 0

    def ksr_request_route(self, msg):
        if self.ksr_route_reqinit(msg) == -255:
            return 1
        if self.ksr_route_natdetect(msg) == -255:
            return 1
        if self.ksr_route_registrar(msg) == -255:
            return 1
        if KSR.corex.has_ruri_user() < 0:
            KSR.sl.sl_send_reply(484, "Address Incomplete")
            return 1
        self.ksr_route_location(msg)
        return 1

    def ksr_route_reqinit(self, msg):
        if KSR.maxfwd.process_maxfwd(10) < 0:
            KSR.sl.sl_send_reply(483, "Too Many Hops")
            return -255
        if KSR.is_OPTIONS() and KSR.is_myself_ruri() and KSR.corex.has_ruri_user() < 0:
            KSR.sl.sl_send_reply(200, "Keepalive")
            return -255
        if KSR.sanity.sanity_check(17895, 7) < 0:
            KSR.err("Malformed SIP message from " + KSR.pv.get("$si") + "\n")
            return -255
        return 1

    def ksr_route_natdetect(self, msg):
        if KSR.nathelper.nat_uac_test(19) > 0:
            if KSR.is_REGISTER():
                KSR.nathelper.fix_nated_register()
            KSR.setflag(FLT_NATS)
        return 1

    def ksr_route_registrar(self, msg):
        if not KSR.is_REGISTER():
            return 1
        if KSR.isflagset(FLT_NATS):
            KSR.setbflag(FLB_NATB)
        if KSR.registrar.save("location", 0) < 0:
            KSR.sl.sl_reply_error()
        return -255

    def ksr_route_location(self, msg):
        rc = KSR.registrar.lookup("location")
        if rc < 0:
            if rc == -2:
                KSR.sl.send_reply(405, "Method Not Allowed")
            else:
                KSR.sl.send_reply(404, "Not Found")
            return -255
        if KSR.tm.t_relay() < 0:
            KSR.sl.sl_reply_error()
        return -255
