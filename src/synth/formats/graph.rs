//! Microsoft Teams, the answers of Graph's `getPstnCalls` and `getDirectRoutingCalls` saved page by page
//! (formats-cisco-teams 2.2, 2.3). The same rows as the admin centre's in other words and other ids.

use std::fmt::Write as _;

use super::scene::Scene;
use super::teams::{Kind, NEVER, Row, TRUNKS, UNTOLD, iso, rows};
use super::truth::{Leg, pounds};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-teams-graph";
/// Rows a page; Graph gives 1,000, which an estate of forty phones does not fill.
const PAGE: usize = 60;

pub fn write(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let rows: Vec<(Row, Leg)> = stretch.calls.iter().flat_map(|told| rows(told, "graph")).collect();
        for (method, entity, pstn) in
            [("getPstnCalls", "pstnCallLogRow", true), ("getDirectRoutingCalls", "directRoutingLogRow", false)]
        {
            let of: Vec<&Row> = rows.iter().map(|(row, _)| row).filter(|row| row.pstn == pstn).collect();
            let pages = of.chunks(PAGE).count();
            for (n, page) in of.chunks(PAGE).enumerate() {
                let next = (n + 1 < pages)
                    .then(|| format!("{method}(from=2023-10-01,to=2024-04-05)?$skip={}", (n + 1) * PAGE));
                let name = format!("{method}/{}-{:02}.json", stretch.last_day, n + 1);
                files.push(Delivered::new(name, body(entity, page, next.as_deref()), stretch.last_day));
            }
        }
        legs.extend(rows.into_iter().map(|(_, leg)| leg));
    }
    let (config, trunks) = (String::new(), TRUNKS.to_vec());
    Delivery { source: SOURCE, format: "teams-pstn", config, trunks, files, legs, untold: UNTOLD, stitches: true }
}

/// PSTN pages in one line as they come over the wire, Direct Routing pages a property a line as tools save them.
fn body(entity: &str, rows: &[&Row], next: Option<&str>) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| match row.pstn {
            true => object(&row.pstn_json(), ",", ""),
            false => object(&row.direct_routing_json(), ",\n      ", "\n      "),
        })
        .collect();
    let mut text = format!(
        "{{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#Collection(microsoft.graph.callRecords.{entity})\",\
         \"@odata.count\":{},\"value\":[{}]",
        rows.len(),
        rows.join(",")
    );
    if let Some(next) = next {
        // A String takes everything.
        let _ =
            write!(text, ",\"@odata.nextLink\":\"https://graph.microsoft.com/v1.0/communications/callRecords/{next}\"");
    }
    text + "}"
}

fn object(fields: &[(&str, String)], between: &str, before: &str) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{before}{}}}", fields.join(between))
}

/// Nothing that is written here needs an escape.
fn text(value: &str) -> String {
    if value.is_empty() { "null".into() } else { format!("\"{value}\"") }
}

impl Row {
    fn pstn_json(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            Kind::In => "user_in",
            Kind::ToResource => "ucap_in",
            Kind::Forwarded => "user_out_forwarding",
            Kind::Out | Kind::Emergency => "user_out",
        };
        vec![
            ("id", text(&self.id)),
            ("callId", text(&self.correlation)),
            ("userId", text(&self.object)),
            ("userPrincipalName", text(&self.upn)),
            ("userDisplayName", text(&self.name)),
            ("startDateTime", text(&iso(self.start, ".0000000"))),
            ("endDateTime", text(&iso(self.end, ".0000000"))),
            ("duration", (self.end - self.start).to_string()),
            ("charge", pounds(self.micros, 2)),
            ("callType", text(kind)),
            ("currency", text("GBP")),
            ("calleeNumber", text(&self.callee)),
            ("usageCountryCode", text("GB")),
            ("tenantCountryCode", text("GB")),
            ("connectionCharge", "0.00".into()),
            ("callerNumber", text(&self.caller)),
            ("destinationContext", "null".into()),
            ("destinationName", text("United Kingdom")),
            ("conferenceId", "null".into()),
            ("licenseCapability", text("MCOPSTN1")),
            ("inventoryType", text("Subscriber")),
            ("operator", text("Microsoft")),
            ("callDurationSource", text("microsoft")),
        ]
    }

    fn direct_routing_json(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            Kind::In => "ByotIn",
            Kind::Out | Kind::Emergency => "ByotOut",
            Kind::ToResource => "ByotInUcap",
            Kind::Forwarded => "ByotOutUserForwarding",
        };
        let (failure, subcode) = match self.success {
            true => (NEVER.to_string(), 540_000),
            false => (iso(self.end, ".000"), 560_000 + u32::from(self.sip)),
        };
        // Linked rows repeat the correlation id.
        let correlation = if self.shared.is_empty() { &self.correlation } else { &self.shared };
        vec![
            ("id", text(&self.id)),
            ("correlationId", text(correlation)),
            ("userId", text(&self.object)),
            ("userPrincipalName", text(&self.upn)),
            ("userDisplayName", text(&self.name)),
            ("startDateTime", text(&iso(self.start, ".000"))),
            ("inviteDateTime", text(&iso(self.invite, ".000"))),
            ("failureDateTime", text(&failure)),
            ("endDateTime", text(&iso(self.end, ".000"))),
            ("duration", (self.end - self.start).to_string()),
            ("callType", text(kind)),
            ("successfulCall", self.success.to_string()),
            ("callerNumber", text(&self.caller)),
            ("calleeNumber", text(&self.callee)),
            ("mediaPathLocation", text("UKSO")),
            ("signalingLocation", text("UKSO")),
            ("finalSipCode", self.sip.to_string()),
            ("callEndSubReason", subcode.to_string()),
            ("finalSipCodePhrase", text(self.phrase)),
            ("trunkFullyQualifiedDomainName", text(self.sbc)),
            ("mediaBypassEnabled", "false".into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::traffic::Party;
    use super::super::scene::example;
    use super::*;

    #[test]
    fn a_page_is_the_vendors_example_with_our_values() {
        let scene = Scene::new(1);
        let told = example::call(Party::Withheld, Party::Phone(&scene.phones[1]));
        let (row, _) = &rows(&told, "graph")[0];
        let page = body("pstnCallLogRow", &[row], Some("getPstnCalls(from=2024-03-26,to=2024-04-04)?$skip=60"));
        let id = super::super::teams::guid(&["graph", "id", "5"]);
        assert!(page.contains(&format!("\"@odata.count\":1,\"value\":[{{\"id\":\"{id}\",\"callId\":\"")), "{page}");
        assert!(page.contains(
            "\"startDateTime\":\"2024-03-27T09:15:15.0000000Z\",\"endDateTime\":\"2024-03-27T09:17:21.0000000Z\",\
             \"duration\":126,\"charge\":0.00,\"callType\":\"user_in\",\"currency\":\"GBP\",\"calleeNumber\":\"+442079460002\","
        ));
        assert!(page.contains("\"callerNumber\":null,"));
        assert!(page.ends_with("callRecords/getPstnCalls(from=2024-03-26,to=2024-04-04)?$skip=60\"}"), "{page}");
    }

    #[test]
    fn a_forward_is_two_rows_that_one_id_links() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("01632960001"), example::outside("07700900456"));
        told.call.via = Some((&scene.phones[1], super::super::super::phones::Forward::AllToMobile));
        let rows = rows(&told, "graph");
        let kinds: Vec<Kind> = rows.iter().map(|(row, _)| row.kind).collect();
        assert_eq!(kinds, [Kind::In, Kind::Forwarded]);
        let [first, second] = [0, 1].map(|n| rows[n].0.direct_routing_json());
        assert_eq!(first[1], second[1], "one correlation id");
        assert_ne!(first[0], second[0]);
    }
}
