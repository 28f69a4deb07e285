//! CUCM's code tables: OnBehalfOf, redirect reasons, clearing causes, device-name shapes. Each value as in Cisco's
//! "Call Detail Records Administration Guide"; no parsing.

use crate::leg::{Outcome, RedirectReason};
use crate::read::SideKind;

/// OnBehalfOf codes.
pub const CONFERENCE: i64 = 4;
pub const TRANSFER: i64 = 10;
pub const RECORDING: i64 = 27;
pub const MONITORING: i64 = 28;

/// calledPartyPatternUsage of a voicemail port.
pub const USAGE_VOICEMAIL_PORT: i64 = 8;

/// A call leg moved away by transfer, park or forward: no failure.
const SPLIT: i64 = 393_216;

/// Redirect reason codes; 0 is none.
pub fn redirect_reason(code: i64) -> Option<RedirectReason> {
    Some(match code {
        0 => return None,
        15 => RedirectReason::ForwardAll,
        1 => RedirectReason::ForwardBusy,
        2 => RedirectReason::ForwardNoAnswer,
        4 | 34 => RedirectReason::Transfer,
        5 => RedirectReason::Pickup,
        7 | 8 | 11 => RedirectReason::Park,
        66 | 82 | 98 => RedirectReason::Conference,
        783 | 786 | 802 | 818 | 834 | 850 => RedirectReason::Queue,
        _ => RedirectReason::Other,
    })
}

/// The outcome of a leg that never connected. `cause` is the side's that ended it; above 2²⁴ it is a SIP status whose
/// low byte is the Q.850 value. `rang` is whether a device was reached.
pub fn unconnected(cause: i64, rang: bool) -> Outcome {
    let q850 = if cause >= 1 << 24 { cause & 0xff } else { cause };
    match q850 {
        17 => Outcome::Busy,
        18 | 19 | 20 => Outcome::NoAnswer,
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
    bytes.len() > 3 && matches!(bytes[0], b'b' | b'c') && bytes[1..].iter().all(u8::is_ascii_digit) && number[1..].starts_with("00")
}

/// What the device name and the protocol id tell of a side; the estate's trunk list has the last word. Phones have
/// protocol 0, so a non-zero one is a trunk, gateway or CTI port.
pub fn side_kind(device: &str, protocol: i64) -> SideKind {
    const HANDSETS: [&str; 7] = ["SEP", "CSF", "BOT", "TCT", "TAB", "ATA", "VG"];
    if HANDSETS.iter().any(|p| device.starts_with(p)) || is_analogue(device) {
        return SideKind::Handset;
    }
    if is_voicemail_port(device) {
        return SideKind::Voicemail;
    }
    // MGCP trunks are S0/SU2/DS1-0@host; an H.323 gateway may be its address.
    let is_gateway = device.contains("/DS1-") || device.parse::<std::net::IpAddr>().is_ok();
    match protocol != 0 || is_gateway {
        true => SideKind::Trunk,
        false => SideKind::Unknown,
    }
}

/// `AN` and the gateway's MAC and port: AN0C1167FF8000401.
fn is_analogue(device: &str) -> bool {
    device.strip_prefix("AN").is_some_and(|rest| rest.len() >= 12 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
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
        for name in ["SEPCC7F750586B7", "CSFu00001", "AN0C1167FF8000401", "ATA001122334455"] {
            assert_eq!(side_kind(name, 0), SideKind::Handset, "{name}");
        }
        for name in ["S0/SU2/DS1-0@gw", "10.205.28.1"] {
            assert_eq!(side_kind(name, 0), SideKind::Trunk, "{name}");
        }
        assert_eq!(side_kind("CiscoUM1-VI3", 3), SideKind::Voicemail);
        assert_eq!(side_kind("SIP_TRUNK", 1), SideKind::Trunk);
        assert_eq!(side_kind("ANNEX", 0), SideKind::Unknown);
    }
}
