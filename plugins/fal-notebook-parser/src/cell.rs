//! Converts one code cell into Python lines.

use crate::{
    call, code, databricks,
    escape::partition,
    run_once::{first_line, has_python_body},
    sql,
};

/// How deeply cell magics with a Python body may be nested.
const MAX_NESTING: usize = 16;

/// A code cell as Python, with one line for each of its lines.
#[derive(Debug, Default)]
pub(crate) struct PythonCell {
    pub(crate) lines: Vec<String>,
    pub(crate) problems: Vec<Problem>,
    /// The lines, counted from 0, that are calls of magics and shell commands.
    pub(crate) calls: Vec<usize>,
}

/// A problem of a cell. Lines and columns are counted from 0, in the lines of the [`PythonCell`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) label: String,
    pub(crate) help: Option<&'static str>,
}

/// Converts the source of a code cell.
pub(crate) fn transform(source: &str) -> PythonCell {
    let mut cell = PythonCell::default();
    let mut rest = lines(source);
    if let Some(head) = databricks::head(&rest) {
        cell.problems.push(Problem {
            code: "notebook::databricks_magic",
            message: format!(
                "`{}` on the first line of a cell is Databricks' way to give the whole cell a language",
                head.magic
            ),
            line: head.line,
            column: 0,
            label: String::new(),
            help: Some(head.help),
        });
        cell.lines = rest;
        return cell;
    }
    for _ in 0..MAX_NESTING {
        dedent(&mut rest);
        let blank = rest
            .iter()
            .take_while(|line| line.trim().is_empty())
            .count();
        cell.lines
            .extend(rest.drain(..blank).map(|_| String::new()));
        let magic = rest
            .split_first()
            .and_then(|(first, body)| cell_magic(first, body));
        match magic {
            Some(CellMagic::PythonBody(first)) => {
                cell.lines.push(first);
                rest.remove(0);
            }
            Some(CellMagic::Whole(lines)) => {
                cell.lines.extend(lines);
                return cell;
            }
            None => break,
        }
    }
    let before = cell.lines.len();
    let code = code::transform(&rest);
    cell.lines.extend(code.lines);
    cell.problems
        .extend(code.problems.into_iter().map(|problem| Problem {
            line: problem.line + before,
            ..problem
        }));
    cell.calls
        .extend(code.calls.into_iter().map(|line| line + before));
    cell
}

fn lines(source: &str) -> Vec<String> {
    let text = source
        .strip_prefix('\u{feff}')
        .unwrap_or(source)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    text.split_terminator('\n').map(str::to_owned).collect()
}

/// Removes the indentation that all lines share, and blanks on lines that hold nothing else, as
/// IPython does.
fn dedent(lines: &mut [String]) {
    let is_blank = |line: &String| line.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    lines
        .iter_mut()
        .filter(|line| is_blank(line))
        .for_each(String::clear);
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut filled = lines.iter().filter(|line| !line.is_empty());
    let Some(first) = filled.next() else { return };
    let mut margin = first[..indent(first)].to_owned();
    for line in filled {
        let shared = margin
            .bytes()
            .zip(line.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        margin.truncate(shared);
    }
    if !margin.is_empty() {
        for line in lines.iter_mut() {
            let own = line
                .bytes()
                .zip(margin.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            line.drain(..own);
        }
    }
}

/// A cell that begins with a cell magic.
enum CellMagic {
    /// The first line becomes this one, and the body is converted like a cell.
    PythonBody(String),
    /// The whole cell becomes these lines, as many as it had.
    Whole(Vec<String>),
}

/// Reads a cell whose first line is `first`; `None` if it is no cell magic.
fn cell_magic<S: AsRef<str>>(first: &str, body: &[S]) -> Option<CellMagic> {
    let (name, line) = partition(first.strip_prefix("%%")?.trim_end());
    if asks_for_help(name) {
        return None;
    }
    if has_python_body(name) {
        return Some(CellMagic::PythonBody(first_line(name, line)));
    }
    let sql = if name == "sql" {
        sql::cell(line, body)
    } else {
        None
    };
    Some(CellMagic::Whole(
        sql.unwrap_or_else(|| call::cell_magic(name, line, body)),
    ))
}

/// `%%name?` asks about the magic.
fn asks_for_help(name: &str) -> bool {
    name.split_once('?').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(source: &str) -> String {
        let cell = transform(source);
        assert_eq!(cell.problems, [], "{source}");
        cell.lines.join("\n")
    }

    fn unchanged(source: &str) {
        assert_eq!(python(source), source);
    }

    fn problems(source: &str) -> Vec<(usize, usize, String)> {
        transform(source)
            .problems
            .into_iter()
            .map(|problem| (problem.line, problem.column, problem.message))
            .collect()
    }

    #[test]
    fn python_passes_unchanged() {
        for source in [
            "x = 1",
            "x = (10\n%3)",
            "x = [\n  1,\n  %2\n]",
            "text = '''\n%magic\n!ls\n?\n'''",
            "text = \"\"\"it's\n%x\n\"\"\"; y = 1",
            "x = 10 \\\n%3",
            "x = 'a # b' # it's (\ny = 2",
            "x = r'\\' if a else '\\''\ny = 1",
            "f'{x!r:>{w}} {d[\"k\"]}'\ny = 1",
            "f'''{\n%x\n}'''",
            "f\"{d[\"k?\"]} # {{ (\"\ny = 1",
            "f'\\N{BULLET} \\{x}'\ny = 1",
            "rf'\\N{x}' + rb'(' + t'{x:%Y}'\ny = 1",
            "f'{x:%H:%M}'\ny = 1",
            "df.head();",
            "# only comments?\n# here",
            "",
            "x != 3\nx %= 3",
            "a == b\na -= 1; b <<= 2\nc: int = 3",
            "@cache\ndef f(): return 1",
            "if x:\n    pass\nelse:\n    y = {'a': 1}",
            "x = lambda a=1: a",
            "x = (yield)\n\n\ny = 1",
        ] {
            unchanged(source);
        }
    }

    #[test]
    fn escapes_become_calls_in_place() {
        let source =
            "%matplotlib inline\nif x:\n    !ls -la\n    y = !!\n    files = !ls *.py\nz = %who_ls str\n!!pwd\n\
                      df.head?\n??len\n?\n,f a b\n;f a b\n/f a b";
        insta::assert_snapshot!(python(source), @r#"
        get_ipython().run_line_magic('matplotlib', 'inline')
        if x:
            get_ipython().system('ls -la')
            y = get_ipython().getoutput('!')
            files = get_ipython().getoutput('ls *.py')
        z = get_ipython().run_line_magic('who_ls', 'str')
        get_ipython().getoutput('pwd')
        get_ipython().run_line_magic('pinfo', 'df.head')
        get_ipython().run_line_magic('pinfo2', 'len')
        get_ipython().show_usage()
        f("a", "b")
        f("a b")
        f(a, b)
        "#);
    }

    #[test]
    fn continued_magics_keep_the_lines_below_in_place() {
        insta::assert_snapshot!(python("%run a.py \\\n  --x 1 \\\n  --y\nx = !ls \\\n -l\ny = \\\n  %pwd\nlast = 1"), @r"
        get_ipython().run_line_magic('run', 'a.py    --x 1    --y')


        x = get_ipython().getoutput('ls   -l')

        y = \
          get_ipython().run_line_magic('pwd', '')
        last = 1
        ");
    }

    #[test]
    fn shared_indentation_goes() {
        assert_eq!(
            python("    x = 1\n\n    if x:\n        y = 2"),
            "x = 1\n\nif x:\n    y = 2"
        );
        assert_eq!(python("  %%time\n  x = 1"), "# %%time\nx = 1");
    }

    #[test]
    fn every_kind_of_line_end_and_a_byte_order_mark_are_read() {
        assert_eq!(
            transform("\u{feff}a = 1\r\n!ls\rb = 2\n").lines,
            ["a = 1", "get_ipython().system('ls')", "b = 2"]
        );
    }

    #[test]
    fn measured_cells_stay_python() {
        insta::assert_snapshot!(python("%%time\n%%capture out\n%load_ext x\nwrite_to_model(df)"), @"
        # %%time
        # get_ipython(): %%capture out
        get_ipython().run_line_magic('load_ext', 'x')
        write_to_model(df)
        ");
        insta::assert_snapshot!(python("%%timeit -n 10 x = 1\nf(x)"), @"
        x = 1  # %%timeit -n 10 x = 1
        f(x)
        ");
        insta::assert_snapshot!(python("%time df = ref('a')\ny = %time f()\nz = %timeit -o f()\n%time"), @"
        df = ref('a')
        y = f()
        z = get_ipython().run_line_magic('timeit', '-o f()')
        get_ipython().run_line_magic('time', '')
        ");
    }

    #[test]
    fn other_cells_become_one_call() {
        insta::assert_snapshot!(python("%%bash -e\necho '''$x''' {y} \\\n%no magic \"(\n\nend'"), @r#"
        get_ipython().run_cell_magic('bash', '-e', '''\
        echo \'\''$x\'\'' {y} \\
        %no magic "(

        end\'\n''')
        "#);
        insta::assert_snapshot!(python("%%html"), @"get_ipython().run_cell_magic('html', '', '')");
        insta::assert_snapshot!(python("%%sql duckdb:// result <<\nselect *\nfrom {{ ref('a') }}"), @r#"
        result = execute_sql("""\
        select *
        from {{ ref('a') }}""")
        "#);
        insta::assert_snapshot!(python("%sql select 1\nx = %sql select * from \"a\"\n%sql duckdb://"), @r#"
        execute_sql("""select 1""")
        x = execute_sql("""select * from "a\"""")
        get_ipython().run_line_magic('sql', 'duckdb://')
        "#);
    }

    #[test]
    fn the_forerunners_lines_vanish() {
        let source = "import os\nfrom faldbt.magics import init_fal\n%init_fal project_dir=.. \\\n  profiles_dir=..\nif x:\n    \
                      import faldbt.magics\nfrom faldbt.magics import (\n    init_fal,\n)\nx = 1";
        insta::assert_snapshot!(python(source), @"
        import os



        if x:
            pass



        x = 1
        ");
    }

    #[test]
    fn a_cell_that_is_not_whole_says_where() {
        for (source, line, column) in [
            ("x = 1\nf(a,\n  [b]", 1, 1),
            ("x = '''a\nb", 0, 4),
            ("x = f'''{a}\n{b", 1, 0),
            ("x = 1 + \\\n", 0, 8),
            ("x = 'a\\\n", 0, 4),
            ("%%time\nif x:\n    # nothing", 1, 0),
            ("@cache", 0, 0),
            ("# first\nexcept E:\n  pass", 1, 0),
            ("/f (", 0, 3),
            ("%time f(\n%%time", 1, 0),
        ] {
            let found = problems(source);
            assert_eq!(
                found
                    .iter()
                    .map(|(line, column, _)| (*line, *column))
                    .collect::<Vec<_>>(),
                [(line, column)],
                "{source}"
            );
        }
        assert_eq!(
            problems("x = 1\n  pip install x\npip install y"),
            [
                (
                    1,
                    2,
                    "`pip ...` is not Python: Jupyter reads such a line as the magic `%pip`"
                        .to_owned()
                ),
                (
                    2,
                    0,
                    "`pip ...` is not Python: Jupyter reads such a line as the magic `%pip`"
                        .to_owned()
                ),
            ]
        );
        insta::assert_snapshot!(problems("\n%sql\nselect 1")[0].2, @"`%sql` on the first line of a cell is Databricks' way to give the whole cell a language");
        assert_eq!(
            transform("%sql\nselect 1").lines,
            ["%sql", "select 1"],
            "the user's text is shown"
        );
        insta::assert_snapshot!(problems("# a\n%%bash\nls")[0].2, @"a cell magic must be the first line of its cell");
        insta::assert_snapshot!(problems("x = [1,\n2")[0].2, @"the cell ends inside a bracket");
    }

    #[test]
    fn quotes_in_autocalls_cannot_swallow_what_follows() {
        assert_eq!(python(",f \" b\nx = 1"), "f(\"\\\"\", \"b\")\nx = 1");
        assert_eq!(python(";f \"\"\nx = 1"), "f(\"\\\"\\\"\")\nx = 1");
    }
}
