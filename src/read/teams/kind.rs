//! Call types: one set of meanings for the spellings of the admin centre and of Graph. A type that no list has is kept
//! for what its name still tells, its direction.

use crate::leg::Direction;

/// What a call type says. `user_`, `dr_`, `Byot…` and `oc_` differ in the carrier only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    In,
    Out,
    /// The user rang somebody to add him to a call.
    Added,
    Transfer,
    Forward,
    /// To and from the audio conferencing bridge; the user named is the meeting's organiser, who need not be there.
    BridgeIn,
    BridgeOut,
    /// To and from an auto attendant or a queue.
    VoiceAppIn,
    VoiceAppOut,
    /// To one of our numbers that nobody has.
    Unassigned,
    Unknown(Option<Direction>),
}

impl Kind {
    pub fn of(text: &str) -> Self {
        let name: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let bare = ["byot", "dr", "oc"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
        match bare {
            "in" | "userin" => Self::In,
            // Whom an emergency call went to, its number tells.
            "out" | "userout" | "emergencyout" | "useremergencyout" => Self::Out,
            "useroutconf" | "outuserconf" => Self::Added,
            "userouttransfer" | "outusertransfer" => Self::Transfer,
            "useroutforwarding" | "outuserforwarding" => Self::Forward,
            "confin" => Self::BridgeIn,
            "confout" => Self::BridgeOut,
            "ucapin" | "inucap" | "botin" | "inbot" => Self::VoiceAppIn,
            "ucapout" | "outucap" | "botout" | "outbot" => Self::VoiceAppOut,
            "unassignedin" => Self::Unassigned,
            _ => Self::Unknown(direction(text)),
        }
    }

    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::In | Self::BridgeIn | Self::VoiceAppIn | Self::Unassigned => Some(Direction::Inbound),
            Self::Out | Self::Added | Self::Transfer | Self::BridgeOut | Self::VoiceAppOut => Some(Direction::Outbound),
            // Whoever called, and wherever from: it went out again and no phone of ours took part.
            Self::Forward => Some(Direction::Tandem),
            Self::Unknown(direction) => direction,
        }
    }
}

/// The last `in` or `out` among the words of a name such as `dr_out_user_new` or `ByotOutUserNew`.
fn direction(text: &str) -> Option<Direction> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_ascii_lowercase();
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.iter().rev().find_map(|word| match word.as_str() {
        "in" | "inbound" => Some(Direction::Inbound),
        "out" | "outbound" => Some(Direction::Outbound),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats page 2.3, and `unassigned_in`, `dr_unassigned_in`, `dr_in_bot`, `dr_out_bot` of Microsoft's report page.
    #[test]
    fn both_spellings_mean_the_same() {
        for (kind, spellings) in [
            (Kind::In, &["user_in", "dr_in", "Dr_In", "ByotIn", "oc_user_in", " USER_IN "][..]),
            (Kind::Out, &["user_out", "dr_out", "ByotOut", "dr_emergency_out", "ByotEmergencyOut"]),
            (Kind::Added, &["user_out_conf", "dr_out_user_conf", "ByotOutUserConf", "oc_user_out_conf"]),
            (Kind::Transfer, &["user_out_transfer", "Dr_Out_User_Transfer", "ByotOutUserTransfer"]),
            (Kind::Forward, &["user_out_forwarding", "dr_out_user_forwarding", "ByotOutUserForwarding"]),
            (Kind::BridgeIn, &["conf_in", "oc_conf_in"]),
            (Kind::BridgeOut, &["conf_out"]),
            (Kind::VoiceAppIn, &["ucap_in", "oc_ucap_in", "dr_in_ucap", "ByotInUcap", "dr_in_bot"]),
            (Kind::VoiceAppOut, &["ucap_out", "dr_out_ucap", "ByotOutUcap", "dr_out_bot"]),
            (Kind::Unassigned, &["unassigned_in", "dr_unassigned_in"]),
            (Kind::Unknown(Some(Direction::Outbound)), &["dr_out_user_new", "ByotOutNew", "new_in_out"]),
            (Kind::Unknown(Some(Direction::Inbound)), &["ByotInNew", "mobile_in"]),
            (Kind::Unknown(None), &["", "voicemail", "_", "é"]),
        ] {
            for spelling in spellings {
                assert_eq!(Kind::of(spelling), kind, "{spelling}");
            }
        }
    }
}
