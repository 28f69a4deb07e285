//! Why FreeSWITCH hung up: its names, their numbers and the outcome of a call that nobody answered. It knows no record.

use crate::leg::Outcome;

/// Names and numbers of `switch_call_cause_t`. To 127 they are those of Q.850. FreeSWITCH's own names have numbers that
/// changed between releases; of those only the two that did not are here.
const CAUSES: [(&str, i64); 53] = [
    ("UNALLOCATED_NUMBER", 1),
    ("NO_ROUTE_TRANSIT_NET", 2),
    ("NO_ROUTE_DESTINATION", 3),
    ("CHANNEL_UNACCEPTABLE", 6),
    ("CALL_AWARDED_DELIVERED", 7),
    ("NORMAL_CLEARING", 16),
    ("USER_BUSY", 17),
    ("NO_USER_RESPONSE", 18),
    ("NO_ANSWER", 19),
    ("SUBSCRIBER_ABSENT", 20),
    ("CALL_REJECTED", 21),
    ("NUMBER_CHANGED", 22),
    ("REDIRECTION_TO_NEW_DESTINATION", 23),
    ("EXCHANGE_ROUTING_ERROR", 25),
    ("DESTINATION_OUT_OF_ORDER", 27),
    ("INVALID_NUMBER_FORMAT", 28),
    ("FACILITY_REJECTED", 29),
    ("RESPONSE_TO_STATUS_ENQUIRY", 30),
    ("NORMAL_UNSPECIFIED", 31),
    ("NORMAL_CIRCUIT_CONGESTION", 34),
    ("NETWORK_OUT_OF_ORDER", 38),
    ("NORMAL_TEMPORARY_FAILURE", 41),
    ("SWITCH_CONGESTION", 42),
    ("ACCESS_INFO_DISCARDED", 43),
    ("REQUESTED_CHAN_UNAVAIL", 44),
    ("PRE_EMPTED", 45),
    ("FACILITY_NOT_SUBSCRIBED", 50),
    ("OUTGOING_CALL_BARRED", 52),
    ("INCOMING_CALL_BARRED", 54),
    ("BEARERCAPABILITY_NOTAUTH", 57),
    ("BEARERCAPABILITY_NOTAVAIL", 58),
    ("SERVICE_UNAVAILABLE", 63),
    ("BEARERCAPABILITY_NOTIMPL", 65),
    ("CHAN_NOT_IMPLEMENTED", 66),
    ("FACILITY_NOT_IMPLEMENTED", 69),
    ("SERVICE_NOT_IMPLEMENTED", 79),
    ("INVALID_CALL_REFERENCE", 81),
    ("INCOMPATIBLE_DESTINATION", 88),
    ("INVALID_MSG_UNSPECIFIED", 95),
    ("MANDATORY_IE_MISSING", 96),
    ("MESSAGE_TYPE_NONEXIST", 97),
    ("WRONG_MESSAGE", 98),
    ("IE_NONEXIST", 99),
    ("INVALID_IE_CONTENTS", 100),
    ("WRONG_CALL_STATE", 101),
    ("RECOVERY_ON_TIMER_EXPIRE", 102),
    ("MANDATORY_IE_LENGTH_ERROR", 103),
    ("PROTOCOL_ERROR", 111),
    ("INTERWORKING", 127),
    ("SUCCESS", 142),
    ("ORIGINATOR_CANCEL", 487),
    ("NONE", 0),
    ("UNSPECIFIED", 0),
];

/// A destination that another one was faster than.
pub const LOSE_RACE: &str = "LOSE_RACE";

pub fn number(name: &str) -> Option<i64> {
    CAUSES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// What became of a call that was not answered.
pub fn unanswered(name: &str) -> Outcome {
    match name {
        "USER_BUSY" => Outcome::Busy,
        "NO_ANSWER" | "NO_USER_RESPONSE" | "SUBSCRIBER_ABSENT" | "NORMAL_CLEARING" | "NORMAL_UNSPECIFIED"
        | "ALLOTTED_TIMEOUT" | "PROGRESS_TIMEOUT" | "NO_PICKUP" | "PICKED_OFF" | LOSE_RACE => Outcome::NoAnswer,
        "ORIGINATOR_CANCEL" => Outcome::Abandoned,
        // Where the leg went on to, another record tells.
        "" | "NONE" | "UNSPECIFIED" | "SUCCESS" | "BLIND_TRANSFER" | "ATTENDED_TRANSFER" => Outcome::Unknown,
        "USER_NOT_REGISTERED"
        | "CRASH"
        | "SYSTEM_SHUTDOWN"
        | "MANAGER_REQUEST"
        | "USER_CHALLENGE"
        | "MEDIA_TIMEOUT"
        | "INVALID_GATEWAY"
        | "GATEWAY_DOWN"
        | "INVALID_URL"
        | "INVALID_PROFILE"
        | "SRTP_READ_ERROR" => Outcome::Failed,
        name if number(name).is_some() => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}
