//! Conditions with their parameters, put together as filters are asked for.

use conclave_db::sql::{ToSql, Value, params_from_iter};

/// Conditions that hold together. Parameter 1 is now.
pub(crate) struct Filter {
    conditions: Vec<String>,
    params: Vec<Value>,
}

impl Filter {
    /// Nothing but now.
    pub(crate) fn new(now_ns: i64) -> Self {
        Self { conditions: Vec::new(), params: vec![Value::Integer(now_ns)] }
    }

    /// Keeps a value; gives its name in SQL.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }

    /// One more condition.
    pub(crate) fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// A condition on one value, which stands as `{}` in it.
    pub(crate) fn and_with(&mut self, condition: &str, value: impl Into<Value>) {
        let name = self.bind(value);
        self.and(condition.replace("{}", &name));
    }

    /// All of these labels.
    pub(crate) fn labels(&mut self, labels: &[String]) {
        for label in labels {
            self.and_with(
                "EXISTS (SELECT 1 FROM task_labels WHERE task_labels.task = tasks.number AND label = {})",
                label.clone(),
            );
        }
    }

    /// At most so many: `LIMIT …`. The number stands in the text: SQLite looks at the value of a parameter there, and
    /// so would prepare the statement anew each time that one is bound.
    pub(crate) fn limit(limit: Option<u64>) -> String {
        let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        format!("LIMIT {limit}")
    }

    /// All conditions, for after `WHERE`. Now is always used, since SQLite refuses a parameter that a statement
    /// does not name.
    pub(crate) fn conditions(&self) -> String {
        let mut all = self.conditions.join(" AND ");
        if !all.contains("?1") {
            all.push_str(if all.is_empty() { "?1 IS NOT NULL" } else { " AND ?1 IS NOT NULL" });
        }
        all
    }

    /// The values.
    pub(crate) fn params(&self) -> impl conclave_db::sql::Params + '_ {
        params_from_iter(self.params.iter().map(|value| value as &dyn ToSql))
    }
}
