//! The 129 columns of a CUCM 10.x–12.0 call record, in file order with their types. A table, no rules about calls.

use Kind::{Guid, Int, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Guid,
    Text(u16),
}

/// Name and type of each column.
pub const COLUMNS: [(&str, Kind); 129] = [
    ("cdrRecordType", Int),
    ("globalCallID_callManagerId", Int),
    ("globalCallID_callId", Int),
    ("origLegCallIdentifier", Int),
    ("dateTimeOrigination", Int),
    ("origNodeId", Int),
    ("origSpan", Int),
    ("origIpAddr", Int),
    ("callingPartyNumber", Text(50)),
    ("callingPartyUnicodeLoginUserID", Text(128)),
    ("origCause_location", Int),
    ("origCause_value", Int),
    ("origPrecedenceLevel", Int),
    ("origMediaTransportAddress_IP", Int),
    ("origMediaTransportAddress_Port", Int),
    ("origMediaCap_payloadCapability", Int),
    ("origMediaCap_maxFramesPerPacket", Int),
    ("origMediaCap_g723BitRate", Int),
    ("origVideoCap_Codec", Int),
    ("origVideoCap_Bandwidth", Int),
    ("origVideoCap_Resolution", Int),
    ("origVideoTransportAddress_IP", Int),
    ("origVideoTransportAddress_Port", Int),
    ("origRSVPAudioStat", Text(64)),
    ("origRSVPVideoStat", Text(64)),
    ("destLegIdentifier", Int),
    ("destNodeId", Int),
    ("destSpan", Int),
    ("destIpAddr", Int),
    ("originalCalledPartyNumber", Text(50)),
    ("finalCalledPartyNumber", Text(50)),
    ("finalCalledPartyUnicodeLoginUserID", Text(128)),
    ("destCause_location", Int),
    ("destCause_value", Int),
    ("destPrecedenceLevel", Int),
    ("destMediaTransportAddress_IP", Int),
    ("destMediaTransportAddress_Port", Int),
    ("destMediaCap_payloadCapability", Int),
    ("destMediaCap_maxFramesPerPacket", Int),
    ("destMediaCap_g723BitRate", Int),
    ("destVideoCap_Codec", Int),
    ("destVideoCap_Bandwidth", Int),
    ("destVideoCap_Resolution", Int),
    ("destVideoTransportAddress_IP", Int),
    ("destVideoTransportAddress_Port", Int),
    ("destRSVPAudioStat", Text(64)),
    ("destRSVPVideoStat", Text(64)),
    ("dateTimeConnect", Int),
    ("dateTimeDisconnect", Int),
    ("lastRedirectDn", Text(50)),
    ("pkid", Guid),
    ("originalCalledPartyNumberPartition", Text(50)),
    ("callingPartyNumberPartition", Text(50)),
    ("finalCalledPartyNumberPartition", Text(50)),
    ("lastRedirectDnPartition", Text(50)),
    ("duration", Int),
    ("origDeviceName", Text(129)),
    ("destDeviceName", Text(129)),
    ("origCallTerminationOnBehalfOf", Int),
    ("destCallTerminationOnBehalfOf", Int),
    ("origCalledPartyRedirectOnBehalfOf", Int),
    ("lastRedirectRedirectOnBehalfOf", Int),
    ("origCalledPartyRedirectReason", Int),
    ("lastRedirectRedirectReason", Int),
    ("destConversationId", Int),
    ("globalCallId_ClusterID", Text(50)),
    ("joinOnBehalfOf", Int),
    ("comment", Text(2048)),
    ("authCodeDescription", Text(50)),
    ("authorizationLevel", Int),
    ("clientMatterCode", Text(32)),
    ("origDTMFMethod", Int),
    ("destDTMFMethod", Int),
    ("callSecuredStatus", Int),
    ("origConversationId", Int),
    ("origMediaCap_Bandwidth", Int),
    ("destMediaCap_Bandwidth", Int),
    ("authorizationCodeValue", Text(32)),
    ("outpulsedCallingPartyNumber", Text(50)),
    ("outpulsedCalledPartyNumber", Text(50)),
    ("origIpv4v6Addr", Text(64)),
    ("destIpv4v6Addr", Text(64)),
    ("origVideoCap_Codec_Channel2", Int),
    ("origVideoCap_Bandwidth_Channel2", Int),
    ("origVideoCap_Resolution_Channel2", Int),
    ("origVideoTransportAddress_IP_Channel2", Int),
    ("origVideoTransportAddress_Port_Channel2", Int),
    ("origVideoChannel_Role_Channel2", Int),
    ("destVideoCap_Codec_Channel2", Int),
    ("destVideoCap_Bandwidth_Channel2", Int),
    ("destVideoCap_Resolution_Channel2", Int),
    ("destVideoTransportAddress_IP_Channel2", Int),
    ("destVideoTransportAddress_Port_Channel2", Int),
    ("destVideoChannel_Role_Channel2", Int),
    ("IncomingProtocolID", Int),
    ("IncomingProtocolCallRef", Text(32)),
    ("OutgoingProtocolID", Int),
    ("OutgoingProtocolCallRef", Text(32)),
    ("currentRoutingReason", Int),
    ("origRoutingReason", Int),
    ("lastRedirectingRoutingReason", Int),
    ("huntPilotPartition", Text(50)),
    ("huntPilotDN", Text(50)),
    ("calledPartyPatternUsage", Int),
    ("IncomingICID", Text(50)),
    ("IncomingOrigIOI", Text(50)),
    ("IncomingTermIOI", Text(50)),
    ("OutgoingICID", Text(50)),
    ("OutgoingOrigIOI", Text(50)),
    ("OutgoingTermIOI", Text(50)),
    ("outpulsedOriginalCalledPartyNumber", Text(50)),
    ("outpulsedLastRedirectingNumber", Text(50)),
    ("wasCallQueued", Int),
    ("totalWaitTimeInQueue", Int),
    ("callingPartyNumber_uri", Text(255)),
    ("originalCalledPartyNumber_uri", Text(255)),
    ("finalCalledPartyNumber_uri", Text(255)),
    ("lastRedirectDn_uri", Text(255)),
    ("mobileCallingPartyNumber", Text(50)),
    ("finalMobileCalledPartyNumber", Text(50)),
    ("origMobileDeviceName", Text(129)),
    ("destMobileDeviceName", Text(129)),
    ("origMobileCallDuration", Int),
    ("destMobileCallDuration", Int),
    ("mobileCallType", Int),
    ("originalCalledPartyPattern", Text(50)),
    ("finalCalledPartyPattern", Text(50)),
    ("lastRedirectingPartyPattern", Text(50)),
    ("huntPilotPattern", Text(50)),
];

/// The place of a column; a name that is not there stops the compiler when used in a `const`.
pub const fn at(name: &str) -> usize {
    let mut i = 0;
    while i < COLUMNS.len() {
        if same(COLUMNS[i].0.as_bytes(), name.as_bytes()) {
            return i;
        }
        i += 1;
    }
    panic!("no such CUCM column") // only ever met by the compiler: every caller is a `const`
}

/// Header row and type row: names quoted, types bare (formats-cisco-teams 1.1).
pub fn heading() -> String {
    let names: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let types: Vec<String> = COLUMNS
        .iter()
        .map(|(_, kind)| match kind {
            Int => "INTEGER".to_string(),
            Guid => "UNIQUEIDENTIFIER".to_string(),
            Text(width) => format!("VARCHAR({width})"),
        })
        .collect();
    format!("{}\n{}\n", names.join(","), types.join(","))
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places from the column table of formats-cisco-teams 1.2.
    #[test]
    fn columns_stand_where_the_vendor_puts_them() {
        for (place, name) in [
            (0, "cdrRecordType"),
            (8, "callingPartyNumber"),
            (30, "finalCalledPartyNumber"),
            (47, "dateTimeConnect"),
            (50, "pkid"),
            (55, "duration"),
            (66, "joinOnBehalfOf"),
            (102, "huntPilotDN"),
            (117, "lastRedirectDn_uri"),
            (128, "huntPilotPattern"),
        ] {
            assert_eq!(at(name), place);
        }
        assert_eq!(COLUMNS[50].1, Guid);
        assert_eq!(COLUMNS[57], ("destDeviceName", Text(129)));
    }
}
