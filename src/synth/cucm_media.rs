//! Writes media reports (CMR, 44 columns; formats-cisco-teams 1.3) about calls already written down as call records.
//! It makes no calls up and opens no files.

use super::cucm_columns::at;
use super::landing::Line;
use super::rng::mix;

/// A file has reports of this many calls at most.
const CALLS: usize = 3;

const HEADING: &str = concat!(
    "\"cdrRecordType\",\"globalCallID_callManagerId\",\"globalCallID_callId\",\"nodeId\",\"directoryNum\",",
    "\"callIdentifier\",\"dateTimeStamp\",\"numberPacketsSent\",\"numberOctetsSent\",\"numberPacketsReceived\",",
    "\"numberOctetsReceived\",\"numberPacketsLost\",\"jitter\",\"latency\",\"pkid\",\"directoryNumPartition\",",
    "\"globalCallId_ClusterID\",\"deviceName\",\"varVQMetrics\",\"duration\",\"videoContentType\",\"videoDuration\",",
    "\"numberVideoPacketsSent\",\"numberVideoOctetsSent\",\"numberVideoPacketsReceived\",",
    "\"numberVideoOctetsReceived\",\"numberVideoPacketsLost\",\"videoAverageJitter\",\"videoRoundTripTime\",",
    "\"videoOneWayDelay\",\"videoReceptionMetrics\",\"videoTransmissionMetrics\",\"videoContentType_channel2\",",
    "\"videoDuration_channel2\",\"numberVideoPacketsSent_channel2\",\"numberVideoOctetsSent_channel2\",",
    "\"numberVideoPacketsReceived_channel2\",\"numberVideoOctetsReceived_channel2\",",
    "\"numberVideoPacketsLost_channel2\",\"videoAverageJitter_channel2\",\"videoRoundTripTime_channel2\",",
    "\"videoOneWayDelay_channel2\",\"videoReceptionMetrics_channel2\",\"videoTransmissionMetrics_channel2\"\n",
    "INTEGER,INTEGER,INTEGER,INTEGER,VARCHAR(50),INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,",
    "INTEGER,UNIQUEIDENTIFIER,VARCHAR(50),VARCHAR(50),VARCHAR(129),VARCHAR(600),INTEGER,VARCHAR(10),INTEGER,INTEGER,",
    "INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,VARCHAR(600),VARCHAR(600),VARCHAR(10),INTEGER,INTEGER,",
    "INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,INTEGER,VARCHAR(600),VARCHAR(600)\n",
);

/// The text of a file about the first of these calls that two handsets talked on, and how many reports are in it.
pub fn reports(lines: &[&Line]) -> (String, u64) {
    let (mut text, mut count) = (HEADING.to_string(), 0);
    for ends in lines.iter().filter_map(|line| of_call(&line.text)).take(CALLS) {
        count += ends.len() as u64;
        text.extend(ends);
    }
    (text, count)
}

/// What both handsets say of a call; `None` where there are not two of them or nobody talked, or it was told before.
fn of_call(line: &str) -> Option<[String; 2]> {
    // No field of a record between two handsets holds a comma or a quote.
    let fields: Vec<&str> = line.split(',').map(|field| field.trim_matches('"')).collect();
    let get = |column: usize| fields.get(column).copied().unwrap_or_default();
    let seconds: i64 = get(const { at("duration") }).parse().ok().filter(|seconds| *seconds > 0)?;
    let ends = [
        [
            const { at("origNodeId") },
            const { at("callingPartyNumber") },
            const { at("origLegCallIdentifier") },
            const { at("origDeviceName") },
        ],
        [
            const { at("destNodeId") },
            const { at("finalCalledPartyNumber") },
            const { at("destLegIdentifier") },
            const { at("destDeviceName") },
        ],
    ];
    // Later records of a call that features took apart have the same legs again.
    let is_first = get(const { at("joinOnBehalfOf") }) == "0";
    if !is_first || ends.iter().any(|[.., device]| !get(*device).starts_with("SEP")) {
        return None;
    }
    Some(ends.map(|[node, number, leg, device]| {
        let chance = mix(get(leg).parse().unwrap_or_default());
        // Fifty packets a second each way; a few of those that come are lost.
        let (sent, lost) = (seconds * 50, (chance % 8) as i64);
        let received = sent - lost;
        let score = 40_000 + chance % 5_000;
        let lowest = score - 3_000;
        format!(
            "2,{manager},{call},{node},\"{number}\",{leg},{ended},{sent},{},{received},{},{lost},{jitter},{latency},\
             \"{:08x}-0000-4000-8000-{:012x}\",\"Internal-PT\",\"{cluster}\",\"{device}\",\
             \"MLQK={}.{:04};MLQKmn={}.{:04};CS={lost};SCS=0;MLQKvr=0.95\",{seconds}\
             ,\"\",,,,,,,,,,\"\",\"\",\"\",,,,,,,,,,\"\",\"\"\n",
            sent * 160,
            received * 160,
            chance >> 32,
            chance & 0xFFFF_FFFF_FFFF,
            score / 10_000,
            score % 10_000,
            lowest / 10_000,
            lowest % 10_000,
            manager = get(const { at("globalCallID_callManagerId") }),
            call = get(const { at("globalCallID_callId") }),
            node = get(node),
            number = get(number),
            leg = get(leg),
            ended = get(const { at("dateTimeDisconnect") }),
            cluster = get(const { at("globalCallId_ClusterID") }),
            device = get(device),
            jitter = chance >> 8 & 0xF,
            latency = chance >> 16 & 0x1F,
        )
    }))
}
