//! A table that is listed as another kind than it is: what is masked is a view and is told as the table it is of, and a view
//! that stands as rows is told as the view.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use crate::sql::VIEWS;

#[derive(Debug)]
pub struct Listed {
    pub table: Arc<dyn TableProvider>,
    pub kind: TableType,
}

/// Has the views that stand as rows listed as views.
///
/// # Errors
/// A view that is not there.
pub async fn views(context: &SessionContext) -> Result<()> {
    for view in VIEWS.iter() {
        let table = context.table_provider(view.name.as_str()).await?;
        if table.table_type() != TableType::View {
            context.deregister_table(view.name.as_str())?;
            context.register_table(view.name.as_str(), Arc::new(Listed { table, kind: TableType::View }))?;
        }
    }
    Ok(())
}

#[async_trait]
impl TableProvider for Listed {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.kind
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        self.table.get_logical_plan()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.table.scan(state, projection, filters, limit).await
    }
}
