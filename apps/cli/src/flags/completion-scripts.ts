/** The scripts know nothing themselves: they ask `wharf __complete`, which reads the same definitions as the parser. */
export const bashCompletion = `# bash completion for wharf
_wharf() {
  # Bash splits words at ':' and '=', which images and flags hold: the line itself is read, and of each answer only
  # the part after the last split is given back.
  local line="\${COMP_LINE:0:COMP_POINT}" words cur prefix="" answer
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur="\${words[\${#words[@]}-1]}"
  [[ $cur == *[:=]* ]] && prefix="\${cur%"\${cur##*[:=]}"}"
  COMPREPLY=()
  while IFS= read -r answer; do
    if [[ $answer == ":files" ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    answer="\${answer%%$'\\t'*}"
    COMPREPLY+=("\${answer#"$prefix"}")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
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
