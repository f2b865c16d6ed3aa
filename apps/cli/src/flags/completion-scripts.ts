/** The scripts know nothing themselves: they ask `wharf __complete`, which reads the same definitions as the parser. */
export const bashCompletion = `# bash completion for wharf
_wharf() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}") cur="\${COMP_WORDS[COMP_CWORD]}" line prefix=""
  # bash splits words at ':' and '=': they are put together again, and the answers cut to what bash asks for.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local cword all
    _get_comp_words_by_ref -n := -w all -i cword -c cur
    words=("\${all[@]:1:cword}")
    if [[ $cur == *[:=]* ]]; then prefix="\${cur%"\${cur##*[:=]}"}"; fi
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ":files" ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$prefix"}")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _wharf wharf
`;

export const zshCompletion = `#compdef wharf
_wharf() {
  local -a candidates
  local line files=0
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ":files" ]]; then files=1; continue; fi
    [[ -z $line ]] && continue
    local value="\${line%%$'\\t'*}" description=""
    [[ $line == *$'\\t'* ]] && description="\${line#*$'\\t'}"
    candidates+=("\${value//:/\\\\:}\${description:+:$description}")
  done
  (( \${#candidates} )) && _describe 'wharf' candidates
  (( files )) && _files
}
compdef _wharf wharf
`;

export const fishCompletion = `# fish completion for wharf
function __wharf_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c wharf -f -a '(__wharf_complete)'
`;
