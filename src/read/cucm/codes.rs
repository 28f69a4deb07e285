//! CUCM's code tables: OnBehalfOf, redirect reasons, clearing causes, device-name shapes. Each value as in Cisco's
//! "Call Detail Records Administration Guide"; no parsing.

use crate::leg::{Outcome, RedirectReason};
use crate::read::SideKind;

/// OnBehalfOf codes.
pub const PARK: i64 = 3;
pub const CONFERENCE: i64 = 4;
pub const CONFERENCE_NOW: i64 = 7;
pub const TRANSFER: i64 = 10;
pub const RECORDING: i64 = 27;
pub const MONITORING: i64 = 28;

/// calledPartyPatternUsage of a hunt pilot and of a voicemail port.
pub const USAGE_HUNT_PILOT: i64 = 7;
pub const USAGE_VOICEMAIL_PORT: i64 = 8;

/// Protocol id of a CTI port or route point, and of a phone that CTI controls. The others are trunks and gateways.
const CTI: i64 = 3;

/// A call leg moved away by transfer, park or forward: no failure.
const SPLIT: i64 = 393_216;

/// Redirect reason of a transfer without consultation.
pub const REASON_BLIND_TRANSFER: i64 = 34;
/// Redirect reason of a parked call that nobody fetched and that rings where it was parked.
pub const REASON_PARK_REVERSION: i64 = 11;

/// Redirect reason codes; 0 is none.
pub fn redirect_reason(code: i64) -> Option<RedirectReason> {
    Some(match code {
        0 => return None,
        15 => RedirectReason::ForwardAll,
        1 => RedirectReason::ForwardBusy,
        2 => RedirectReason::ForwardNoAnswer,
        4 | REASON_BLIND_TRANSFER => RedirectReason::Transfer,
        5 => RedirectReason::Pickup,
        7 | 8 | 11 => RedirectReason::Park,
        66 | 82 | 98 => RedirectReason::Conference,
        783 | 786 | 802 | 818 | 834 | 850 => RedirectReason::Queue,
        _ => RedirectReason::Other,
    })
}

/// The reason in a join alone, where the record gives no redirect reason.
pub fn join_reason(on_behalf_of: i64) -> Option<RedirectReason> {
    match on_behalf_of {
        TRANSFER => Some(RedirectReason::Transfer),
        CONFERENCE => Some(RedirectReason::Conference),
        _ => None,
    }
}

/// The outcome of a leg that never connected. `cause` is the side's that ended it; above 2²⁴ it is a SIP status whose
/// low byte is the Q.850 value. `rang` is whether a device was reached.
pub fn unconnected(cause: i64, rang: bool) -> Outcome {
    let q850 = if cause >= 1 << 24 { cause & 0xff } else { cause };
    match q850 {
        17 => Outcome::Busy,
        18..=20 => Outcome::NoAnswer,
        // Normal clearing of what never connected: the caller hung up. While it rang, nobody had answered.
        0 | 16 | 31 if rang => Outcome::NoAnswer,
        16 | 31 => Outcome::Abandoned,
        0 | 126 | SPLIT => Outcome::Unknown,
        _ => Outcome::Failed,
    }
}

/// Bridge and IVR pseudo-numbers: `b00…` of built-in and conference bridges, `c00…` of Conference Now.
pub fn is_bridge(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() > 3
        && matches!(bytes[0], b'b' | b'c')
        && bytes[1..].iter().all(u8::is_ascii_digit)
        && number[1..].starts_with("00")
}

/// What the device name and the protocol id tell of a side; the estate's trunk list has the last word. Only names with
/// a MAC are certain: of the rest, a trunk may begin with the letters of a soft client, but it has a trunk's protocol.
pub fn side_kind(device: &str, protocol: i64) -> SideKind {
    const NAMED_HANDSETS: [&str; 6] = ["CSF", "BOT", "TCT", "TAB", "ATA", "VG"];
    // MGCP trunks are S0/SU2/DS1-0@host; an H.323 gateway may be its address.
    match () {
        () if has_mac(device) => SideKind::Handset,
        () if is_voicemail_port(device) => SideKind::Voicemail,
        () if !matches!(protocol, 0 | CTI) => SideKind::Trunk,
        () if NAMED_HANDSETS.iter().any(|prefix| device.starts_with(prefix)) => SideKind::Handset,
        () if device.contains("/DS1-") || device.parse::<std::net::IpAddr>().is_ok() => SideKind::Trunk,
        () => SideKind::Unknown,
    }
}

/// SEP and the phone's MAC; ATA likewise; AN and the gateway's MAC and port: AN0C1167FF8000401.
fn has_mac(device: &str) -> bool {
    let prefixes = [("SEP", 1), ("ATA", 9), ("AN", 12)];
    prefixes.iter().any(|(prefix, least)| {
        device.strip_prefix(prefix).is_some_and(|mac| mac.len() >= *least && mac.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// `CiscoUM1-VI3`.
fn is_voicemail_port(device: &str) -> bool {
    device.rsplit_once("-VI").is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of `formats-cisco-teams` 1.5: SIP causes carry the Q.850 value in their low byte.
    #[test]
    fn sip_causes_read_as_their_q850_value() {
        assert_eq!(unconnected(0x4600_0011, true), Outcome::Busy);
        assert_eq!(unconnected(0x4000_0012, true), Outcome::NoAnswer);
        assert_eq!(unconnected(0x0500_0001, false), Outcome::Failed);
        assert_eq!(unconnected(2_801_795_135, true), Outcome::Failed);
    }

    #[test]
    fn a_split_leg_is_no_failure() {
        assert_eq!(unconnected(SPLIT, true), Outcome::Unknown);
    }

    #[test]
    fn a_bridge_is_told_from_a_number() {
        assert!(is_bridge("b002179144511001") && is_bridge("c001234"));
        assert!(!is_bridge("bob") && !is_bridge("0021") && !is_bridge("b1234") && !is_bridge("é00"));
    }

    #[test]
    fn device_names_have_shapes() {
        for (name, protocol) in
            [("SEPCC7F750586B7", 0), ("SEP123456798", 1), ("AN0C1167FF8000401", 4), ("ATA001122334455", 0)]
        {
            assert_eq!(side_kind(name, protocol), SideKind::Handset, "{name}");
        }
        for (name, protocol) in
            [("S0/SU2/DS1-0@gw", 0), ("10.205.28.1", 0), ("SIP_TRUNK", 1), ("VGW-1", 4), ("SEPARATE", 2)]
        {
            assert_eq!(side_kind(name, protocol), SideKind::Trunk, "{name}");
        }
        for (name, protocol) in [("CSFu00001", 0), ("CSFu00001", CTI), ("VGC0C1167FF80402", 0)] {
            assert_eq!(side_kind(name, protocol), SideKind::Handset, "{name}");
        }
        assert_eq!(side_kind("CiscoUM1-VI3", CTI), SideKind::Voicemail);
        for (name, protocol) in [("ANNEX", 0), ("UCCX-7001", CTI), ("", 0), ("SEP", 0), ("SEPARATE", 0)] {
            assert_eq!(side_kind(name, protocol), SideKind::Unknown, "{name}");
        }
    }
}
