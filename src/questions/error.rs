//! Why a question is not answered.

use crate::debuggee::DebuggeeError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// It is not understood: cause and remedy.
    #[error("{0}")]
    Wrong(String),
    /// The debuggee cannot tell, or was interrupted.
    #[error(transparent)]
    Debuggee(#[from] DebuggeeError),
    /// An answer that is not JSON.
    #[error("the answer cannot be written as JSON: {0}; this is a fault of rr-dap")]
    Json(#[from] serde_json::Error),
}

impl QuestionError {
    /// [`QuestionError::Wrong`] with this message.
    pub fn wrong(message: impl Into<String>) -> QuestionError {
        QuestionError::Wrong(message.into())
    }
}
