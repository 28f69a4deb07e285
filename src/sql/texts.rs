//! Two kinds of text: as views inside the engine, which compares and groups by them in half the time, and as plain texts in
//! answers, so that nobody outside has to know. Casts; reads and asks nothing.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::Answer;

/// A table's columns as the engine sees them.
pub fn seen(schema: &SchemaRef) -> SchemaRef {
    each(schema, &|field| match field.data_type() {
        DataType::Utf8 => with(field, DataType::Utf8View),
        _ => field.clone(),
    })
}

/// Rows as they leave the engine.
///
/// # Errors
/// A batch with more text than plain columns hold, of two gigabytes.
pub fn plain(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Answer, ArrowError> {
    let schema = each(schema, &plain_field);
    let batches = batches.iter().map(|batch| {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
    });
    Ok(Answer { batches: batches.collect::<Result<_, _>>()?, schema: schema.clone() })
}

fn plain_field(field: &FieldRef) -> FieldRef {
    match field.data_type() {
        DataType::Utf8View => with(field, DataType::Utf8),
        DataType::List(item) => with(field, DataType::List(plain_field(item))),
        _ => field.clone(),
    }
}

fn each(schema: &SchemaRef, of: &dyn Fn(&FieldRef) -> FieldRef) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().map(of).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn with(field: &Field, kind: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(kind))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, ListArray, StringViewArray};
    use arrow::buffer::OffsetBuffer;

    use super::*;

    #[test]
    fn views_leave_as_plain_texts_in_lists_too() {
        let views: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "a text of more than twelve bytes"]));
        let item = Arc::new(Field::new("item", DataType::Utf8View, true));
        let list = ListArray::new(item, OffsetBuffer::from_lengths([2, 0]), views.clone(), None);
        let rows = RecordBatch::try_from_iter([("text", views), ("list", Arc::new(list) as ArrayRef)]).unwrap();
        let answer = plain(&rows.schema(), std::slice::from_ref(&rows)).unwrap();
        assert_eq!(answer.schema, answer.batches[0].schema());
        assert_eq!(answer.batches[0].column(0).as_string::<i32>().value(1), "a text of more than twelve bytes");
        let lists = answer.batches[0].column(1).as_list::<i32>();
        assert_eq!(lists.value(0).as_string::<i32>().value(0), "a");
    }
}
