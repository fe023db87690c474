import type { ButtonHTMLAttributes, ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconName } from "./icons";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "quiet" | "plain";
  small?: boolean;
  icon?: IconName;
  children?: ReactNode;
}

export function buttonClass(kind: "primary" | "quiet" | "plain" = "quiet", small = false): string {
  return cx("button", `button-${kind}`, small && "button-small");
}

export function Button({ kind = "quiet", small = false, icon, children, className, type = "button", ...rest }: ButtonProps) {
  return (
    <button type={type} className={cx(buttonClass(kind, small), className)} {...rest}>
      {icon && <Icon name={icon} size={small ? 18 : 20} />}
      {children}
    </button>
  );
}

/** A square button with an icon and a name for those who do not see it. */
export function IconButton({ name, label, className, ...rest }: { name: IconName; label: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" aria-label={label} title={label} className={cx("icon-button", className)} {...rest}>
      <Icon name={name} size={20} />
    </button>
  );
}
