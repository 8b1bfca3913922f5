import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

interface ModalProps {
  label: string;
  class: string;
  onClose: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ComponentChildren;
}

/** Shows a dialog over the page: the browser keeps the focus in it and closes it with Escape. */
export function Modal({ label, class: name, onClose, onKeyDown, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the page is painted: the next key belongs to the dialog.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // As it closes, the browser gives the focus back at once. Done later, it would undo the Tab of a quick person.
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={name}
      aria-label={label}
      onClose={({ currentTarget }) => currentTarget.isConnected && onClose()} // not once more after it was taken away
      onKeyDown={onKeyDown}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div class="modal-content">
        <button type="button" class="round modal-close" aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
        {children}
      </div>
    </dialog>
  );
}
