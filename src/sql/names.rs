//! What a statement may name: tables, views and reports with their columns, for who lists or completes them. Plans nothing.

use datafusion::prelude::SessionContext;

use super::{Column, Query, REPORTS, VIEWS};

/// Something with columns that a statement may select from.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub name: String,
    pub kind: NamedKind,
    /// What it is; blank for a table.
    pub title: String,
    /// A table's have no meaning beside them: `docs/columns.md` has it.
    pub columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedKind {
    Table,
    View,
    /// A report as a view, with its default parameters.
    Report,
}

impl NamedKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Report => "report",
        }
    }
}

/// What a report is called as a view: `_` for `-`, and `_report` at its end where a view has that name. None where it has a
/// parameter that must be given.
pub fn view_name(report: &Query) -> Option<String> {
    report.params.iter().all(|param| param.default.is_some()).then(|| {
        let name = report.name.replace('-', "_");
        let is_view = VIEWS.iter().any(|view| view.name == name);
        if is_view { name + "_report" } else { name }
    })
}

/// Views and reports as they stand in their headers, whether they are made yet or not.
pub fn queries() -> Vec<Named> {
    let named = |name: String, kind, query: &Query| {
        let (title, columns) = (query.title.clone(), query.columns.clone());
        Named { name, kind, title, columns }
    };
    let views = VIEWS.iter().map(|view| named(view.name.clone(), NamedKind::View, view));
    let reports = REPORTS.iter().filter_map(|report| Some(named(view_name(report)?, NamedKind::Report, report)));
    views.chain(reports).collect()
}

/// The tables of a session, by name.
pub async fn tables(context: &SessionContext) -> datafusion::error::Result<Vec<Named>> {
    let queries = queries();
    let mut tables = Vec::new();
    for catalog in context.catalog_names().into_iter().filter_map(|name| context.catalog(&name)) {
        for schema in catalog.schema_names().into_iter().filter(|name| name != "information_schema") {
            let Some(schema) = catalog.schema(&schema) else { continue };
            // A view that was asked for stands among the tables.
            for name in schema.table_names().into_iter().filter(|name| queries.iter().all(|query| query.name != *name))
            {
                let Some(table) = schema.table(&name).await? else { continue };
                let fields = table.schema();
                let columns = fields.fields().iter().map(|field| Column {
                    name: field.name().clone(),
                    kind: field.data_type().to_string(),
                    unit: String::new(),
                    doc: String::new(),
                });
                let columns = columns.collect();
                tables.push(Named { name, kind: NamedKind::Table, title: String::new(), columns });
            }
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}
