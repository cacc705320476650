//! A notebook parser for fal-host: Quarto documents (`.qmd`) become models.
//!
//! A document is Markdown with cells of code between fences:
//!
//! ````markdown
//! ```{python}
//! orders = ref("orders")
//! ```
//! ````
//!
//! The plugin returns the cells as one Python module, and for each line of it the cell and the line
//! in that cell, so that fal-host shows errors where the author wrote the code. A notebook parser
//! of any format returns these two.

use fal_plugin::{
    payload::{Diagnostic, Label, LineOrigin, NotebookAnalysis, Position, Severity, Span},
    NotebookParser, ParseError, PluginError,
};
use serde_json::Value;

/// The stage.
pub struct Quarto;

impl Quarto {
    /// Creates the parser. It takes no options: without a `config_schema` fal-host refuses any.
    pub fn new(_config: &Value) -> Result<Self, PluginError> {
        Ok(Self)
    }
}

impl NotebookParser for Quarto {
    fn extensions(&self) -> Vec<String> {
        vec!["qmd".to_owned()]
    }

    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| syntax("the document is not UTF-8", 1, None))?;
        let mut document = Document::default();
        for (line, number) in text.lines().zip(1..) {
            document.read(line, number);
        }
        document.end()
    }
}

/// The state of the parser.
#[derive(Default)]
struct Document {
    python: String,
    lines: Vec<LineOrigin>,
    diagnostics: Vec<Diagnostic>,
    /// The number of cells so far, including those in other languages.
    cells: u32,
    open: Option<Cell>,
}

/// A cell that is still open.
struct Cell {
    /// The number of backticks that opened it. At least as many close it.
    fence: usize,
    python: bool,
    /// The line of the document that opened it.
    opened: u32,
    /// The number of its lines so far.
    lines: u32,
}

impl Document {
    fn read(&mut self, line: &str, number: u32) {
        let fence = line.chars().take_while(|char| *char == '`').count();
        let rest = line[fence..].trim();
        match &mut self.open {
            Some(cell) if fence >= cell.fence && rest.is_empty() => self.open = None,
            Some(cell) => {
                cell.lines += 1;
                if cell.python {
                    self.python += line;
                    self.python.push('\n');
                    self.lines.push(LineOrigin {
                        cell: self.cells,
                        line: cell.lines,
                    });
                }
            }
            None if fence >= 3 => self.open_cell(fence, rest, number),
            None => {} // Text of the document.
        }
    }

    fn open_cell(&mut self, fence: usize, rest: &str, number: u32) {
        // Options may follow the language: `{python, echo=FALSE}`. Fences without braces only show
        // code.
        let language = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split([',', ' ', '}']).next());
        let python = language == Some("python");
        if let Some(language) = language {
            self.cells += 1;
            if !python {
                self.diagnostics
                    .push(other_language(self.cells, language, number));
            }
        }
        self.open = Some(Cell {
            fence,
            python,
            opened: number,
            lines: 0,
        });
    }

    fn end(self) -> Result<NotebookAnalysis, ParseError> {
        if let Some(cell) = self.open {
            // The parser could not read the document. After a `Syntax` error fal-host asks the next
            // parser; if none can read it, it shows this error.
            return Err(syntax(
                "a cell is not closed",
                cell.opened,
                Some(self.cells),
            ));
        }
        let (python, lines, diagnostics) = (self.python, self.lines, self.diagnostics);
        Ok(NotebookAnalysis {
            python,
            lines,
            language: Some("python".to_owned()),
            diagnostics,
        })
    }
}

/// Returns the diagnostic for a cell in another language. The document can be read but cannot be a
/// model, so this is no parse error.
fn other_language(cell: u32, language: &str, line: u32) -> Diagnostic {
    let mut problem = problem(
        "notebook::language",
        &format!("the cell is not Python but {language}"),
        line,
    );
    problem.help = Some("keep documents with other languages out of the model paths".to_owned());
    problem.cell = Some(cell);
    problem
}

fn syntax(message: &str, line: u32, cell: Option<u32>) -> ParseError {
    let mut problem = problem("notebook::format", message, line);
    problem.cell = cell;
    ParseError::Syntax(Box::new(problem))
}

fn problem(code: &str, message: &str, line: u32) -> Diagnostic {
    let at = Position { line, column: 1 };
    let label = Label {
        span: Span {
            start: 0,
            end: 0,
            from: at,
            to: at,
        },
        text: "here".to_owned(),
    };
    let (code, message) = (code.to_owned(), message.to_owned());
    Diagnostic {
        code,
        severity: Severity::Error,
        message,
        labels: vec![label],
        help: None,
        cell: None,
    }
}

fal_plugin::export_plugin! {
    description: "Reads Quarto documents (.qmd) as notebooks",
    notebook_parser: Quarto::new,
}
