//! Asterisk's names for channels (`PJSIP/101-0000001a`) and the destinations of `Dial`: device, number and mark in them.
//! It knows nothing of records.

use super::super::link;

/// What old releases put before the name of a channel that was moved, and behind one that was replaced.
const PREFIXES: [&str; 4] = ["AsyncGoto/", "Transfered/", "Parked/", "Bridge/"];
const SUFFIXES: [&str; 2] = ["<ZOMBIE>", "<MASQ>"];
/// Channels that are no end of a call: announcers, recorders and mixers of conferences and bridges, text messages.
const SERVICES: [&str; 8] =
    ["Announcer/", "CBAnn/", "CBRec/", "DAHDI/pseudo", "Message/", "Recorder/", "Snoop/", "Surrogate/"];
/// Drivers that name a channel after a peer of the configuration, often an extension.
const PEERS: [&str; 4] = ["SIP", "PJSIP", "IAX2", "SCCP"];
/// Drivers that name a channel after a line of a card.
const LINES: [&str; 3] = ["DAHDI", "Zap", "mISDN"];

fn bare(channel: &str) -> &str {
    let channel = PREFIXES.iter().fold(channel, |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
    SUFFIXES.iter().fold(channel, |name, suffix| name.strip_suffix(suffix).unwrap_or(name))
}

/// One half of a Local channel, Asterisk's way into its own dialplan: the name that both halves share.
pub fn local(channel: &str) -> Option<&str> {
    let name = bare(channel);
    name.starts_with("Local/").then(|| name.strip_suffix(";1").or_else(|| name.strip_suffix(";2")).unwrap_or(name))
}

pub fn is_service(channel: &str) -> bool {
    SERVICES.iter().any(|service| channel.starts_with(service))
}

/// A phone, a trunk or anything else outside of Asterisk itself.
pub fn is_real(channel: &str) -> bool {
    !channel.is_empty() && local(channel).is_none() && !is_service(channel)
}

/// The device: the channel without what is new for every call. Empty where there is none.
pub fn device(channel: &str) -> &str {
    let name = bare(channel);
    if !is_real(name) {
        return "";
    }
    let (name, _) = split_instance(name);
    // `DAHDI/i1/02079460123`, `LINE/4/17`: the line, and the number or the count of this call.
    match name.split_once('/') {
        Some((driver, line)) if !PEERS.contains(&driver) => {
            line.find('/').and_then(|at| name.get(..driver.len() + 1 + at)).unwrap_or(name)
        }
        _ => name,
    }
}

/// `-0000001a` and what stands before it.
fn split_instance(name: &str) -> (&str, &str) {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    name.rsplit_once('-').filter(|(_, instance)| hex(instance)).unwrap_or((name, ""))
}

/// The channel as a mark that other records of the call carry: only with eight digits of instance, others come round
/// again too soon. Both halves of a Local channel have one mark.
pub fn mark(channel: &str) -> Option<i64> {
    let name = bare(channel);
    let name = local(name).unwrap_or(name);
    if split_instance(name).1.len() == 8 { link(name) } else { None }
}

/// The peer, where the driver names channels after peers.
fn peer(channel: &str) -> Option<&str> {
    let (driver, peer) = device(channel).split_once('/')?;
    PEERS.contains(&driver).then_some(peer)
}

/// The extension that a phone is named after: two to six digits.
pub fn extension_of(channel: &str) -> Option<&str> {
    peer(channel).filter(|peer| is_extension(peer))
}

pub fn is_extension(text: &str) -> bool {
    (2..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// One destination of a `Dial`: driver, peer, and the number asked of that peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub driver: &'a str,
    pub peer: &'a str,
    pub number: &'a str,
}

/// The destinations in the data of a `Dial`: `PJSIP/101&PJSIP/02079460123@trunk,30,t`.
pub fn targets(data: &str) -> impl Iterator<Item = Target<'_>> {
    let list = data.split([',', '|']).next().unwrap_or_default();
    list.split('&').filter_map(|target| {
        let (driver, rest) = target.trim().split_once('/')?;
        // `number@peer`, `user:secret@peer/number`, `peer/number`, `peer`.
        let (left, right) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (peer, number) = right.split_once('/').unwrap_or((right, left));
        let is_number = number.len() >= 2 && number.bytes().all(|b| b.is_ascii_digit() || b"+*#".contains(&b));
        Some(Target { driver, peer, number: if is_number { number } else { "" } })
    })
}

/// The number that was asked of the peer the call went to; empty where it was no such call.
pub fn number_asked<'a>(data: &'a str, dstchannel: &str) -> &'a str {
    let device = device(dstchannel);
    let Some((driver, peer)) = device.split_once('/') else { return "" };
    let (mut found, mut count) = ("", 0);
    for target in targets(data) {
        count += 1;
        if target.driver == driver && (target.peer == peer || (found.is_empty() && LINES.contains(&driver))) {
            found = target.number;
        }
    }
    // A group of lines (`DAHDI/g1/…`) names no line: only a single destination is sure to be the one.
    if count > 1 && LINES.contains(&driver) { "" } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_channels_without_the_call() {
        for (channel, expected) in [
            ("SIP/out-000000a3", "SIP/out"),
            ("PJSIP/desk-42-0000001a", "PJSIP/desk-42"),
            ("IAX2/pbx-77", "IAX2/pbx"),
            ("DAHDI/i1/02079460123-5", "DAHDI/i1"),
            ("DAHDI/3-1", "DAHDI/3"),
            ("SIP/101-00000001<ZOMBIE>", "SIP/101"),
            ("AsyncGoto/SIP/101-00000001", "SIP/101"),
            ("LINE/4/17", "LINE/4"),
            ("Local/101@internal-00000001;1", ""),
            ("CBAnn/6000-00000001;2", ""),
            ("", ""),
        ] {
            assert_eq!(device(channel), expected, "{channel}");
        }
    }

    #[test]
    fn only_numbered_peers_are_extensions() {
        let found =
            ["PJSIP/101-0000001a", "SIP/02079460000-0000001a", "DAHDI/31-1", "SIP/out-00000001"].map(extension_of);
        assert_eq!(found, [Some("101"), None, None, None]);
    }

    #[test]
    fn marks_are_those_of_channels_that_do_not_come_round() {
        assert_eq!(mark("Local/101@i-00000001;1"), mark("Local/101@i-00000001;2"));
        assert!(mark("Local/101@i-00000001;1").is_some());
        assert_ne!(mark("PJSIP/101-00000001"), mark("PJSIP/101-00000002"));
        assert_eq!([mark("IAX2/pbx-77"), mark("DAHDI/3-1"), mark("")], [None; 3]);
    }

    #[test]
    fn dialled_destinations_tell_the_number() {
        for (data, channel, expected) in [
            ("PJSIP/02079460123@trunk,30,t", "PJSIP/trunk-00000001", "02079460123"),
            ("SIP/trunk/02079460123|30", "SIP/trunk-00000001", "02079460123"),
            ("IAX2/me:secret@pbx/02079460123", "IAX2/pbx-99", "02079460123"),
            ("DAHDI/g1/02079460123,30", "DAHDI/i1/02079460123-5", "02079460123"),
            ("DAHDI/g1/02079460123&DAHDI/2", "DAHDI/i1/02079460123-5", ""),
            ("PJSIP/101&PJSIP/102", "PJSIP/102-00000001", ""),
            ("PJSIP/101/sip:101@192.0.2.5:5060", "PJSIP/101-00000001", ""),
            ("Local/101@internal", "Local/101@internal-00000001;1", ""),
            ("", "SIP/trunk-00000001", ""),
        ] {
            assert_eq!(number_asked(data, channel), expected, "{data}");
        }
    }
}
