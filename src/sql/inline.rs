//! Short texts out of a Parquet dictionary carry its page along, though every one of them lies whole in its view. A step
//! behind the scan lets go of the page: comparing, hashing and gathering views is much faster where there is none.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;

/// Puts the step behind every scan that gives views. To be the last of the rules: others look for a scan itself.
#[derive(Debug)]
pub struct InlineTexts;

impl PhysicalOptimizerRule for InlineTexts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let gives_views = || plan.schema().fields().iter().any(|f| *f.data_type() == DataType::Utf8View);
            Ok(match plan.is::<DataSourceExec>() && gives_views() {
                true => Transformed::yes(Arc::new(Inline { scan: plan }) as Arc<dyn ExecutionPlan>),
                false => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "inline_texts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Inline {
    scan: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Inline {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "InlineExec")
    }
}

impl ExecutionPlan for Inline {
    fn name(&self) -> &str {
        "InlineExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { scan: children.swap_remove(0) }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.scan.execute(partition, context)?.and_then(|rows| std::future::ready(inline(rows)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

fn inline(rows: RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| match column.as_string_view_opt() {
        // What is long stays where it is: nothing is copied.
        Some(texts) if !texts.data_buffers().is_empty() && texts.total_buffer_bytes_used() == 0 => {
            Arc::new(texts.gc()) as ArrayRef
        }
        _ => column.clone(),
    });
    Ok(RecordBatch::try_new(rows.schema(), columns.collect())?)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn short_texts_let_go_of_their_page_and_long_ones_keep_it() {
        let long = "a text of more than twelve bytes";
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("short"), None, Some(long)]));
        let rows = RecordBatch::try_from_iter([("all", texts.clone())]).unwrap();
        let short = inline(rows.slice(0, 2)).unwrap();
        assert_eq!(short.column(0).as_string_view().data_buffers().len(), 0);
        assert_eq!(short.column(0).as_ref(), texts.slice(0, 2).as_ref());
        let kept = inline(rows).unwrap();
        assert_eq!(kept.column(0).as_string_view().value(2), long);
    }
}
